import { placedClasses } from './built-in-names.ts';
import { contextWords, detectors, identifiers, ranks } from './catalogue.ts';
import { boundary, digit, escape, hyphen, kinds, odd, upper } from './characters.ts';
import { Context, supportOf, type Strength } from './context.ts';
import { firstKeyEnd } from './detectors/secrets.ts';
import { decodeEscapes, decodeQuotedPrintable, decodeRuns, runUnitsMin, type Decoded } from './decode.ts';
import type { Detector, Open } from './detector.ts';
import { FormTree } from './identifiers.ts';
import type { Pattern } from './pattern.ts';
import { PlainTexts } from './plain-texts.ts';
import { partUnitsMax, type View } from './view.ts';
import type { WordList } from './word-list.ts';
import { WordsBefore } from './words-before.ts';

/** A value that was found in a view, before it is compared with others. */
export interface Candidate {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly isNamed: boolean;
  readonly open: Open | null;
  /** The value with its encodings undone. Null: it is in none. */
  readonly said: string | null;
}

/** A class of the operator. */
export interface OwnClass {
  readonly pattern: Pattern | null;
  readonly words: WordList | null;
  /** Classes whose values are of this one too. */
  readonly classes: readonly string[];
}

/** The part of a detector that looks. */
type Looking = Pick<Detector, 'name' | 'traits' | 'otherTraits' | 'unitsMin' | 'digitsMin' | 'find'>;

const mayFind = ({ traits: wanted, otherTraits, unitsMin, digitsMin }: Looking, traits: number, units: number, digits: number): boolean =>
  (wanted & traits) !== 0 && (otherTraits & traits) !== 0 && units >= unitsMin && digits >= digitsMin;

const noOwn: ReadonlyMap<string, OwnClass> = new Map();

/** Classes that are looked for together. They never change, so many scans can share it; to make one takes much longer than to scan a short text. */
export class ClassSet {
  readonly #detectors: readonly Looking[];
  readonly #forms: FormTree | null;
  /** By the length of a span, the kinds of characters without one of which nothing is in it. The last one is for all that are longer. */
  readonly #traitsOfLengths: readonly number[];

  /** Finds the values of the classes of the operator. */
  readonly #own: readonly { readonly name: string; readonly finder: Pattern | WordList }[];
  /** True if classes of the operator are among them, whose values may have spaces. */
  readonly hasOwn: boolean;
  /** The kinds of the characters of the part of a text that is looked at. Looking waits for nothing, so that all scans can share it. */
  readonly kinds = new Uint16Array(partUnitsMax);
  /** Texts in which nothing is, for all that look at whole texts. */
  readonly plain = new PlainTexts();
  readonly words = new WordsBefore();

  /** The classes for which each built-in one is looked for. */
  readonly #names = new Map<string, string>();

  /** Throws RangeError if there is no class of a name. */
  constructor(names: readonly string[], own: ReadonlyMap<string, OwnClass> = noOwn) {
    const finders: { readonly name: string; readonly finder: Pattern | WordList }[] = [];
    // Values of a class that is asked for itself are of no other.
    for (const name of names) {
      this.#add(name, { as: name, own, within: new Set(), finders });
    }
    for (const name of names.filter((each) => ranks.has(each))) {
      this.#names.set(name, name);
    }
    this.#own = finders;
    this.hasOwn = finders.length > 0;
    // V8 reads them faster if the same properties are in the same order in each.
    this.#detectors = detectors
      .filter(({ name }) => this.#names.has(name))
      .map(({ name, traits, otherTraits, unitsMin, digitsMin, find }) => ({ name, traits, otherTraits, unitsMin, digitsMin, find }));
    const formed = identifiers.filter(({ name }) => this.#names.has(name));
    this.#forms = formed.length === 0 ? null : new FormTree(formed);
    const always = (this.#forms === null ? 0 : digit) | escape | odd;
    this.#traitsOfLengths = Array.from({ length: lengthsMax }, (_, length) =>
      this.#detectors.reduce(
        (traits, { traits: wanted, unitsMin }) => (length < unitsMin ? traits : traits | wanted),
        always | (length < runUnitsMin ? 0 : upper),
      ),
    );
  }

  /** Adds what finds the values of a class, and of those within it. */
  #add(
    name: string,
    adding: {
      readonly as: string;
      readonly own: ReadonlyMap<string, OwnClass>;
      readonly within: Set<string>;
      readonly finders: { name: string; finder: Pattern | WordList }[];
    },
  ): void {
    const { as, own, within, finders } = adding;
    const found = own.get(name);
    if (found === undefined && !ranks.has(name) && !placedClasses.some((each) => each.name === name)) {
      throw new RangeError(`there is no class ${name}`);
    }
    if (within.has(name)) {
      return;
    }
    within.add(name);
    if (ranks.has(name) && !this.#names.has(name)) {
      this.#names.set(name, as);
    }
    for (const finder of [found?.pattern, found?.words]) {
      if (finder !== null && finder !== undefined) {
        finders.push({ name: as, finder });
      }
    }
    for (const inner of found?.classes ?? []) {
      this.#add(inner, adding);
    }
  }

  /** True if a value of a class of the operator may have begun between `start` and `at` and go on behind the character at `at`. */
  mayCross(text: string, { start, at, traits }: { readonly start: number; readonly at: number; readonly traits: number }): boolean {
    if (at === start) {
      return false;
    }
    const decoded = (traits & (escape | odd)) === 0 ? null : decodeEscapes(text.slice(Math.max(start, at - crossingUnits), at + 1));
    return this.#own.some(({ finder }) => finder.mayCross(text, start, at) || (decoded !== null && finder.mayCross(decoded.text, 0, decoded.text.length - 1)));
  }

  /** False if nothing can be in a span that is so long and has characters of these kinds, so that it need not be looked at. */
  mayHold(traits: number, length: number): boolean {
    return this.hasOwn || (traits & (this.#traitsOfLengths[Math.min(length, lengthsMax - 1)] ?? 0)) !== 0;
  }

  /** Says it of a span in which the digits are counted, which says more than the kinds of its characters. */
  mayHoldDigits(traits: number, length: number, digits: number): boolean {
    return (
      this.hasOwn ||
      (traits & (escape | odd)) !== 0 ||
      length >= runUnitsMin ||
      (this.#forms !== null && mayHaveForm(traits, digits)) ||
      this.#detectors.some((detector) => mayFind(detector, traits, length, digits))
    );
  }

  /** False if nothing can be in a text, whatever its parts are. It looks at each character, so it is for short texts. */
  mayHoldIn(text: string): boolean {
    if (this.hasOwn) {
      return true;
    }
    let traits = 0;
    let digits = 0;
    for (let i = 0; i < text.length; i += 1) {
      const kind = kinds[text.charCodeAt(i)] ?? boundary;
      traits |= kind;
      digits += kind === digit ? 1 : 0;
    }
    return this.mayHold(traits, text.length) && this.mayHoldDigits(traits, text.length, digits);
  }

  /**
   * Returns the values in a view. They may overlap; they are sorted, and of those that begin at one place the one that counts comes first. Null: it has so many encodings
   * within one another that not all were undone.
   */
  look(view: View): Candidate[] | null {
    // A value of the operator may hold the first line of a key, and then the key has not begun.
    const mayBegin = (view.traits & hyphen) !== 0 && (view.traits & upper) !== 0;
    const keyEnd = mayBegin && !this.hasOwn && this.#names.has('private-key') ? firstKeyEnd(view.text) : view.text.length;
    const undoing = { unitsLeft: view.text.length * growthMax };
    const found = this.#lookDecoded(keyEnd === view.text.length ? view : upTo(view, keyEnd), { depth: 0, undoing, texts: new Set() });
    return undoing.unitsLeft < 0 ? null : found.length < 2 ? found : found.toSorted(compare);
  }

  /** Looks at a text and at what it stands for. */
  #lookDecoded(view: View, level: Level): Candidate[] {
    let found = this.#lookPlain(view);
    if (level.depth === depthMax) {
      return found;
    }
    const { text, before, traits } = view;
    if ((traits & (escape | odd)) !== 0) {
      for (const undo of [decodeEscapes, decodeQuotedPrintable]) {
        const decoded = level.undoing.unitsLeft < 0 ? null : undo(text);
        // Escapes within quoted-printable are the same text as quoted-printable within escapes.
        if (decoded !== null && !level.texts.has(decoded.text)) {
          level.texts.add(decoded.text);
          const within = this.#lookWithin({ decoded, runEnd: null, before }, level);
          // A sign of equality and two digits are quoted-printable in few texts only.
          found = [...(undo === decodeEscapes ? found.flatMap((each) => inWholeEscapes(each, { text, decoded, within })) : found), ...within];
        }
      }
    }
    if (text.length >= runUnitsMin && (traits & (upper | digit)) !== 0) {
      for (const { decoded, runEnd } of decodeRuns(text, view.isCut)) {
        if (level.undoing.unitsLeft < 0) {
          break;
        }
        found.push(...this.#lookWithin({ decoded, runEnd, before }, { ...level, texts: new Set() }));
      }
    }
    return found;
  }

  /** Returns what is found in a text whose encoding was undone. */
  #lookWithin(
    { decoded, runEnd, before }: { readonly decoded: Decoded; readonly runEnd: number | null; readonly before: string },
    { depth, undoing, texts }: Level,
  ): readonly Candidate[] {
    undoing.unitsLeft -= decoded.text.length;
    if (undoing.unitsLeft < 0) {
      return [];
    }
    return this.#lookDecoded(decodedView(decoded.text, before), { depth: depth + 1, undoing, texts }).map((candidate) => {
      // The form by which a key is followed is gone in base64, so the rest of the run belongs to it. So does the filling behind the last group.
      const isRest = runEnd !== null && (candidate.open === 'key' || candidate.end === decoded.text.length);
      const end = isRest ? runEnd : decoded.endOf(candidate.end);
      return {
        ...candidate,
        start: decoded.startOf(candidate.start),
        end,
        open: runEnd === null ? candidate.open : candidate.open === 'key' ? 'token' : null,
        said: candidate.said ?? decoded.text.slice(candidate.start, candidate.end),
      };
    });
  }

  #lookPlain(view: View): Candidate[] {
    const found: Candidate[] = [];
    let of = '';
    const take = (start: number, end: number, strength: Strength, open?: Open): void => {
      // A form without doubt needs no words.
      const support = strength === 'sure' ? 'named' : supportOf(view.hintAt(start, end), of, strength);
      if (support !== 'none') {
        found.push({ name: this.#names.get(of) ?? of, start, end, isNamed: support === 'named', open: open ?? null, said: null });
      }
    };
    const { text, traits, digits } = view;
    for (const { name, finder } of this.#own) {
      finder.find(text, (start, end) => {
        found.push({ name, start, end, isNamed: true, open: null, said: null });
      });
    }
    for (const detector of this.#detectors) {
      if (mayFind(detector, traits, text.length, digits)) {
        of = detector.name;
        detector.find(view, take);
      }
    }
    if (mayHaveForm(traits, digits)) {
      this.#forms?.find(view, (name, start, end, strength) => {
        of = name;
        take(start, end, strength);
      });
    }
    return found;
  }
}

/** Forms with fewer digits begin with a capital: the code of a diagnosis. */
const formDigitsMin = 6;
const mayHaveForm = (traits: number, digits: number): boolean => digits >= formDigitsMin || (digits > 1 && (traits & upper) !== 0);

/** Writes the kinds of the characters between two places of a text, and `boundary` behind them. Returns the number of digits among them. */
export function readKinds(text: string, from: number, to: number, into: Uint16Array): number {
  let digits = 0;
  for (let i = from; i < to; i += 1) {
    const kind = kinds[text.charCodeAt(i)] ?? boundary;
    into[i - from] = kind;
    digits += kind === digit ? 1 : 0;
  }
  into[to - from] = boundary;
  return digits;
}

/** Returns the first characters of a view. The others are lost. */
function upTo(view: View, end: number): View {
  view.kinds[end] = boundary;
  return { ...view, text: view.text.slice(0, end) };
}

/**
 * A value that was found among the characters of escapes may begin or end within one of them, as `20D1234567` in `licence%20D1234567`. Then what was found by undoing them counts in its
 * place; without that, it has all of these escapes.
 */
function inWholeEscapes(
  found: Candidate,
  { text, decoded, within }: { readonly text: string; readonly decoded: Decoded; readonly within: readonly Candidate[] },
): readonly Candidate[] {
  const start = decoded.escapeAround(found.start)?.start ?? found.start;
  const end = decoded.escapeAround(found.end)?.end ?? found.end;
  if (start === found.start && end === found.end) {
    return [found];
  }
  const isUndone = within.some((each) => each.name === found.name && each.start >= start && each.end <= end);
  return isUndone ? [] : [{ ...found, start, end, said: decodeEscapes(text.slice(start, end))?.text ?? null }];
}

/** Makes the view of a decoded text, whose words count too. */
function decodedView(text: string, before: string): View {
  const start = before.length;
  let read: Context | null = null;
  const context = (): Context => {
    if (read === null) {
      read = new Context(contextWords);
      read.read(before + text, 0, { from: start, to: start + text.length });
    }
    return read;
  };
  const own = new Uint16Array(text.length + 1);
  const digits = readKinds(text, 0, text.length, own);
  let traits = 0;
  for (let i = 0; i < text.length; i += 1) {
    traits |= own[i] ?? 0;
  }
  return {
    text,
    before,
    kinds: own,
    traits,
    digits,
    isCut: false,
    goesOn: false,
    hintAt: (from, to) => context().hintAt(start + from, start + to),
    isNamed: (name) => context().isNamed(start, name),
  };
}

/** So much before a boundary is decoded, to see whether a value crosses it. */
const crossingUnits = 512;
/** Each detector looks at spans that are so long, if its characters are there. */
const lengthsMax = 32;
/** Encodings within encodings are undone so many times. */
const depthMax = 3;
/** All that the encodings in a part of a text stand for is together at most so many times as long as the part. Texts of those who mean well need far less. */
const growthMax = 12;

/** How far the encodings in a text were undone. */
interface Level {
  /** The number of encodings around it. */
  readonly depth: number;
  /** How much more may be undone in the part of a text that is looked at. Below 0: more was in it. */
  readonly undoing: { unitsLeft: number };
  /** The texts for which escapes and quoted-printable stood, so that none is looked at twice. */
  readonly texts: Set<string>;
}

function compare(one: Candidate, other: Candidate): number {
  const byNamed = Number(other.isNamed) - Number(one.isNamed);
  const byRank = (ranks.get(one.name) ?? 0) - (ranks.get(other.name) ?? 0);
  return one.start - other.start || other.end - one.end || byNamed || byRank || Number(one.said === null) - Number(other.said === null);
}
