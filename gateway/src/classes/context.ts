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
  /** Has 1 for the first letters of each of these words and of those that join, so that most words need not be looked up. */
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
    begins[beginOf(word, 0, word.length)] = 1;
  }
  return { exact: named, begins, stems: Map.groupBy(sorted, ({ stem }) => stem.slice(0, stemLettersMin)) };
}

const beginsCount = 4096;

/** Returns a number for the first three letters of a word in any case. */
function beginOf(text: string, start: number, end: number): number {
  let begin = 0;
  for (let i = start; i < end && i < start + 3; i += 1) {
    const unit = text.charCodeAt(i);
    // Other letters than those of ASCII change more than one bit with their case.
    begin = begin * 31 + (unit < 0x80 ? unit | 0x20 : 0x7f);
  }
  return begin % beginsCount;
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

const isLetter = (unit: number): boolean => ((kinds[unit] ?? 0) & (lower | upper | letter)) !== 0 || (unit >= 0x2e80 && unit < 0xd800);
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

  constructor(words: ContextWords) {
    this.#words = words;
  }

  /** Forgets what is too far before this position. */
  forget(position: number): void {
    if (this.#starts.length < tokensKept) {
      return;
    }
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
  }

  /** Reads on up to a position. `shift` is the position of the begin of `text`. */
  read(text: string, shift: number, position: number): void {
    let at = Math.max(this.#readTo, position - contextUnits, shift) - shift;
    const end = position - shift;
    if (at >= end) {
      return;
    }
    this.#readTo = position;
    // A word of which the begin is too far away does not count.
    while (at > 0 && at < end && isLetter(text.charCodeAt(at)) && isLetter(text.charCodeAt(at - 1))) {
      at += 1;
    }
    while (at < end) {
      const unit = text.charCodeAt(at);
      if (isLetter(unit)) {
        at = this.#readWord(text, shift, { start: at, end });
      } else if (isDigit(unit)) {
        at = this.#readNumber(text, shift, { start: at, end });
      } else {
        at += unit === 0x5c ? escapeLength(text, at) : 1;
      }
    }
  }

  #readWord(text: string, shift: number, { start, end }: { readonly start: number; readonly end: number }): number {
    let at = start + 1;
    // `dateOfBirth` is three words.
    while (at < end && isLetter(text.charCodeAt(at)) && !(isKind(text, at, upper) && isKind(text, at - 1, lower))) {
      at += 1;
    }
    this.#add(start + shift, at + shift, this.#namesOf(text, start, at));
    return at;
  }

  #namesOf(text: string, start: number, end: number): readonly string[] | null {
    if (end - start > wordLettersMax || this.#words.begins[beginOf(text, start, end)] !== 1) {
      return null;
    }
    const word = text.slice(start, end).toLowerCase();
    return joining.has(word) ? joiningMark : namedBy(word, this.#words);
  }

  #readNumber(text: string, shift: number, { start, end }: { readonly start: number; readonly end: number }): number {
    let digits = 0;
    let at = start;
    let last = start;
    while (at < end && (isDigit(text.charCodeAt(at)) || ' .()/-'.includes(text[at] ?? ''))) {
      if (isDigit(text.charCodeAt(at))) {
        digits += 1;
        last = at + 1;
      }
      at += 1;
    }
    if (digits >= valueDigitsMin) {
      this.#add(start + shift, last + shift, valueMark);
    }
    return last;
  }

  /** Says how much the words before a value of this strength, and the value, speak for the class. The text before it must have been read. */
  supportOf(position: number, { name, strength }: { readonly name: string; readonly strength: Strength }): Support {
    let words = 0;
    let isOwned = false;
    for (let i = this.#starts.length - 1; i >= 0 && (this.#starts[i] ?? 0) >= position - contextUnits; i -= 1) {
      const names = this.#names[i] ?? null;
      if ((this.#ends[i] ?? 0) > position || names === joiningMark) {
        continue;
      }
      if (names === valueMark) {
        // Words before another number say what that is, unless nothing but `and` follows it.
        if (words > 0) {
          break;
        }
        continue;
      }
      words += 1;
      if (names?.includes(name) === true) {
        return 'named';
      }
      isOwned ||= names === ownerMark;
      const isOther = names !== null && names !== ownerMark && !(isOwned && names.length === 0);
      if (isOther && words <= otherWordsNear) {
        return 'none';
      }
    }
    return strength === 'weak' ? 'none' : 'form';
  }
}

function isKind(text: string, position: number, kind: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & kind) !== 0;
}

/** The letter of an escape like `\n` belongs to no word. */
function escapeLength(text: string, position: number): number {
  const next = text[position + 1] ?? '';
  return 'nrtbf'.includes(next) ? 2 : next === 'u' ? 6 : 1;
}
