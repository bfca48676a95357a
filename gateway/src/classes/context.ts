import { contextUnits } from './view.ts';
import { digit, kinds, letter, lower, upper } from './characters.ts';

/**
 * How much a form says by itself about the class of a value that passed its validation. `sure`: it is taken. `likely`: one number in a hundred at most would
 * pass by chance; it is taken unless the words before it say that it is something else. `weak`: it is taken only if the words before it name the class.
 */
export type Strength = 'sure' | 'likely' | 'weak';

/** Words that name something else than a value of a class: an order, a version, a hash. */
const otherWords: readonly string[] = (
  'order orders invoice track tracking ticket ref reference version release build serial sku part item batch hash sha md5 commit uuid guid isbn issn ean gtin asin ' +
  'timestamp epoch trace span shipment parcel imei expires expiry issued valid until gültig mrn acct policy kundennummer kontonummer personalnummer seq sequence offset checksum revision port ' +
  'bestellung bestell bestellnr auftrag rechnung sendung artikel vorgang aktenzeichen seriennummer buchung commande facture colis référence série pedido factura ' +
  'envío seguimiento ordine fattura spedizione bestelling factuur zending encomenda fatura zamówienie zamówienia faktura paczka tilaus lasku ordrenummer sipariş'
).split(' ');

/** Words that say that the value behind them is somebody's, so that a word before them does not say what the value is: `order contact`, `reference record`. */
const ownerWords: readonly string[] = (
  'record records contact contacts holder owner caller recipient addressee sender passenger patient guest person kontakt ansprechpartner inhaber empfänger ' +
  'contacto contato contatto titular titulaire titolare destinatario destinatário destinataire contactpersoon houder ontvanger'
).split(' ');

/** A word of this many letters also counts as the beginning of a longer one: `telefon` in `Telefonnummer`. */
const stemLettersMin = 5;
/** A word that names something else counts only among so many words directly before the value. */
const otherWordsNear = 3;
/** Joins values: `phones: 1 and 2`. */
const joining: ReadonlySet<string> = new Set('and or y o und oder et ou e en of og och eller i lub'.split(' '));
/** A number with so many digits is a value of its own. */
const valueDigitsMin = 5;
/** So many words are kept before those that are too far away are looked for. */
const tokensKept = 256;
/** Words of more letters name nothing. */
const wordLettersMax = 40;

export interface ContextWords {
  /** The classes that each word names, for short words. An empty list stands for something else. */
  readonly exact: ReadonlyMap<string, readonly string[]>;
  /** Has 1 for the first letters of each of these words and of those that join, as a number, so that other words need not be looked up. */
  readonly begins: Uint8Array;
  /** The longer words, by their first letters. */
  readonly stems: ReadonlyMap<string, readonly { readonly stem: string; readonly names: readonly string[] }[]>;
}

export function contextWordsOf(classes: readonly { readonly name: string; readonly words?: readonly string[] }[]): ContextWords {
  const named = new Map<string, readonly string[]>([...otherWords.map((word) => [word, []] as const), ...ownerWords.map((word) => [word, ownerMark] as const)]);
  for (const { name, words = [] } of classes) {
    for (const word of words) {
      named.set(word, [...(named.get(word) ?? []), name]);
    }
  }
  const long = [...named].filter(([word]) => word.length >= stemLettersMin).map(([stem, names]) => ({ stem, names }));
  // The longest stem counts.
  const sorted = long.toSorted((one, other) => other.stem.length - one.stem.length);
  const begins = new Uint8Array(beginsCount);
  for (const word of [...named.keys(), ...joining]) {
    begins[
      word
        .slice(0, stemLettersMin)
        .split('')
        .reduce((begin, unit) => beginWith(begin, unit.charCodeAt(0)), 0)
    ] = 1;
  }
  return { exact: named, begins, stems: Map.groupBy(sorted, ({ stem }) => stem.slice(0, stemLettersMin)) };
}

const beginsCount = 0x10000;

/** Returns a number for the first letters of a word in any case, from that of the letters before and the next one. Others may have the same. */
function beginWith(begin: number, unit: number): number {
  // Other letters than those of ASCII change more than one bit with their case.
  return (begin * 37 + (unit < 0x80 ? unit & 31 : 0)) % beginsCount;
}

function namedBy(word: string, { exact, stems }: ContextWords): readonly string[] | null {
  if (word.length < stemLettersMin) {
    return exact.get(word) ?? null;
  }
  return stems.get(word.slice(0, stemLettersMin))?.find(({ stem }) => word.startsWith(stem))?.names ?? null;
}

/** In place of the classes that a word names: it joins values, it says that the value is somebody's, or it is a number that is a value of its own. */
const joiningMark: readonly string[] = [];
const ownerMark: readonly string[] = [];
const valueMark: readonly string[] = [];

/** How much speaks for a value: `none`, not enough; `form`, its own form; `named`, words before it too, or a form without doubt. */
export type Support = 'none' | 'form' | 'named';

/** Says what the words before a place in a text say about a value there. */
export interface Hint {
  /** The classes that they name. */
  readonly named: readonly string[];
  /** True if they say that it is of no other class. */
  readonly isOther: boolean;
}

const noNames: readonly string[] = [];
const silent: Hint = { named: noNames, isOther: false };

/** Says how much a hint and a value of this strength speak for a class. */
export function supportOf({ named, isOther }: Hint, name: string, strength: Strength): Support {
  if (strength === 'sure' || (named.length > 0 && named.includes(name))) {
    return 'named';
  }
  return isOther || strength === 'weak' ? 'none' : 'form';
}

/** From here on are scripts that write no spaces between words. */
const firstIdeograph = 0x2e80;

const isLetter = (unit: number): boolean => ((kinds[unit] ?? 0) & (lower | upper | letter)) !== 0 || (unit >= firstIdeograph && unit < 0xd800);
const isDigit = (unit: number): boolean => ((kinds[unit] ?? 0) & digit) !== 0;

/**
 * The words of a text that say what the values behind them are. It reads only what is before values, and nothing twice, so that reading is linear in the text.
 * Positions are those of the text as a whole.
 */
export class Context {
  readonly #words: ContextWords;
  /** The words and numbers before the last value, with their places, and the classes that they name; null for none. */
  #starts: number[] = [];
  #ends: number[] = [];
  #names: (readonly string[] | null)[] = [];
  #readTo = 0;
  #forgottenTo = -1;
  /** The place of the last word that names classes or something else. Most values have none before them. */
  #namedAt = Number.NEGATIVE_INFINITY;
  /** The last hint, which is often asked for again. */
  #hint: Hint = silent;
  #hintAt = -1;
  #hintEnd = -1;

  constructor(words: ContextWords) {
    this.#words = words;
  }

  /** Forgets what is too far before this position. Each position takes time only once. */
  forget(position: number): void {
    if (this.#starts.length < tokensKept || this.#forgottenTo === position) {
      return;
    }
    this.#forgottenTo = position;
    const far = this.#starts.findIndex((start) => start >= position - contextUnits);
    const dropped = far === -1 ? this.#starts.length : far;
    this.#starts = this.#starts.slice(dropped);
    this.#ends = this.#ends.slice(dropped);
    this.#names = this.#names.slice(dropped);
  }

  #add(start: number, end: number, names: readonly string[] | null): void {
    this.#starts.push(start);
    this.#ends.push(end);
    this.#names.push(names);
    if (names !== null && names !== joiningMark && names !== ownerMark && names !== valueMark) {
      this.#namedAt = start;
    }
  }

  /** Reads on from the context of a value at `from` up to `to`. `shift` is the position of the begin of `text`. */
  read(text: string, shift: number, { from, to }: { readonly from: number; readonly to: number }): void {
    let at = Math.max(this.#readTo, from - contextUnits, shift) - shift;
    const end = to - shift;
    if (at >= end) {
      return;
    }
    this.#readTo = to;
    this.#hintAt = -1;
    // A word of which the begin is too far away does not count.
    while (at > 0 && at < end && isLetter(text.charCodeAt(at)) && isLetter(text.charCodeAt(at - 1))) {
      at += 1;
    }
    while (at < end) {
      const unit = text.charCodeAt(at);
      if (isLetter(unit)) {
        at = this.#readWord(text, shift, at, end);
      } else if (isDigit(unit)) {
        at = this.#readNumber(text, shift, at, end);
      } else {
        at += unit === 0x5c ? escapeLength(text, at) : 1;
      }
    }
  }

  #readWord(text: string, shift: number, start: number, end: number): number {
    let begin = 0;
    let mayEnd = false;
    let at = start;
    for (; at < end; at += 1) {
      const unit = text.charCodeAt(at);
      const kind = kinds[unit] ?? 0;
      // `dateOfBirth` is three words, and a value may follow a word of Chinese without a space.
      if (!isLetter(unit) || (mayEnd && (kind & upper) !== 0)) {
        break;
      }
      mayEnd = (kind & lower) !== 0 || unit >= firstIdeograph;
      if (at - start < stemLettersMin) {
        begin = beginWith(begin, unit);
      }
    }
    const isKnown = at - start <= wordLettersMax && this.#words.begins[begin] === 1;
    this.#add(start + shift, at + shift, isKnown ? this.#namesOf(text, start, at) : null);
    return at;
  }

  #namesOf(text: string, start: number, end: number): readonly string[] | null {
    const word = text.slice(start, end).toLowerCase();
    return joining.has(word) ? joiningMark : namedBy(word, this.#words);
  }

  #readNumber(text: string, shift: number, start: number, end: number): number {
    let digits = 0;
    let last = start;
    for (let at = start; at < end; at += 1) {
      const unit = text.charCodeAt(at);
      if (isDigit(unit)) {
        digits += 1;
        last = at + 1;
      } else if (!separates(unit)) {
        break;
      }
    }
    if (digits >= valueDigitsMin) {
      this.#add(start + shift, last + shift, valueMark);
    }
    return last;
  }

  /** True if a word names the class that is not too far before `position`, or behind it. */
  isNamed(position: number, name: string): boolean {
    const first = position - contextUnits;
    if (this.#namedAt < first) {
      return false;
    }
    for (let i = this.#starts.length - 1; i >= 0 && (this.#starts[i] ?? 0) >= first; i -= 1) {
      if (this.#names[i]?.includes(name) === true) {
        return true;
      }
    }
    return false;
  }

  /** Says what the words before a value say about it. The text up to its end must have been read. */
  hintAt(position: number, end: number): Hint {
    if (this.#namedAt < position - contextUnits) {
      return silent;
    }
    if (this.#hintAt !== position || this.#hintEnd !== end) {
      this.#hint = this.#readHint(position, end);
      this.#hintAt = position;
      this.#hintEnd = end;
    }
    return this.#hint;
  }

  #readHint(position: number, end: number): Hint {
    let named = noNames;
    // Where the digits of the value begin, behind a plus sign or parenthesis, and how long the first number of a list before it is.
    let begin = position;
    let firstUnits: number | null = null;
    let words = 0;
    let isOwned = false;
    for (let i = this.#starts.length - 1; i >= 0 && (this.#starts[i] ?? 0) >= position - contextUnits; i -= 1) {
      const names = this.#names[i] ?? null;
      const start = this.#starts[i] ?? 0;
      const units = (this.#ends[i] ?? 0) - start;
      if (start + units > position) {
        begin = start >= position && start < end ? start : begin;
        continue;
      }
      if (names === joiningMark) {
        continue;
      }
      if (names === valueMark) {
        // Words before another number say what that is, unless nothing but `and` follows it.
        if (words > 0) {
          break;
        }
        firstUnits = units;
        continue;
      }
      words += 1;
      if (names === null) {
        continue;
      }
      isOwned ||= names === ownerMark;
      // A word for something else stands before a list of numbers of one form: one of another length is something else again.
      const isOfOthers = isOwned || (firstUnits !== null && firstUnits !== end - begin);
      const isOther = names !== ownerMark && !(isOfOthers && names.length === 0);
      if (isOther && words <= otherWordsNear) {
        return { named: names, isOther: true };
      }
      if (names.length > 0) {
        named = named.length === 0 ? names : [...named, ...names];
      }
    }
    return named.length === 0 ? silent : { named, isOther: false };
  }
}

/** True for what stands between the groups of a number: a space, or one of -./() */
export function separates(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x2d && unit <= 0x2f) || unit === 0x28 || unit === 0x29;
}

/** The letter of an escape like `\n` belongs to no word. */
function escapeLength(text: string, position: number): number {
  const next = text[position + 1] ?? '';
  return 'nrtbf'.includes(next) ? 2 : next === 'u' ? 6 : 1;
}
