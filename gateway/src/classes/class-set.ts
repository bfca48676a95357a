import { contextWords, detectors, identifiers, ranks } from './catalogue.ts';
import { digit, escape, kinds, odd, upper } from './characters.ts';
import { Context, type Strength } from './context.ts';
import { firstKeyEnd } from './detectors/secrets.ts';
import { decodeEscapes, decodeQuotedPrintable, decodeRuns, runUnitsMin, type Decoded } from './decode.ts';
import type { Detector, Open } from './detector.ts';
import { FormTree } from './identifiers.ts';
import type { Pattern } from './pattern.ts';
import type { View } from './view.ts';
import type { WordList } from './word-list.ts';

/** A value that was found in a view, before it is compared with others. */
export interface Candidate {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly isNamed: boolean;
  readonly open: Open | null;
}

/** A class of the operator. */
export interface OwnClass {
  readonly pattern: Pattern | null;
  readonly words: WordList | null;
  /** Classes whose values are of this one too. */
  readonly classes: readonly string[];
}

const noOwn: ReadonlyMap<string, OwnClass> = new Map();

/** Classes that are looked for together. It never changes, so many scans can share it; to make one takes much longer than to scan a short text. */
export class ClassSet {
  readonly #detectors: readonly Detector[];
  readonly #forms: FormTree | null;
  /** The kinds of characters without one of which nothing is found in a short span. */
  readonly #traits: number;

  /** Finds the values of the classes of the operator. */
  readonly #own: readonly { readonly name: string; readonly finder: Pattern | WordList }[];
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
    this.#detectors = detectors.filter(({ name }) => this.#names.has(name));
    const formed = identifiers.filter(({ name }) => this.#names.has(name));
    this.#forms = formed.length === 0 ? null : new FormTree(formed);
    this.#traits = this.#detectors.reduce((traits, detector) => traits | detector.traits, (this.#forms === null ? 0 : digit) | escape | odd);
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
    if (found === undefined && !ranks.has(name)) {
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
    if (this.#own.length === 0 || at === start) {
      return false;
    }
    const decoded = (traits & (escape | odd)) === 0 ? null : decodeEscapes(text.slice(Math.max(start, at - crossingUnits), at + 1));
    return this.#own.some(({ finder }) => finder.mayCross(text, start, at) || (decoded !== null && finder.mayCross(decoded.text, 0, decoded.text.length - 1)));
  }

  /** False if nothing can be in a span of characters of these kinds, so that it need not be looked at. */
  mayHold(traits: number, length: number): boolean {
    return this.#own.length > 0 || (traits & (length < capitalUnitsMin ? this.#traits & ~upper : this.#traits | upper)) !== 0;
  }

  /** Returns the values in a view. They may overlap; they are sorted, and of those that begin at one place the one that counts comes first. */
  look(view: View): Candidate[] {
    // A value of the operator may hold the first line of a key, and then the key has not begun.
    const keyEnd = this.#names.has('private-key') && this.#own.length === 0 ? firstKeyEnd(view.text) : view.text.length;
    const found = this.#lookDecoded(keyEnd === view.text.length ? view : { ...view, text: view.text.slice(0, keyEnd) }, 0);
    return found.length < 2 ? found : found.toSorted(compare);
  }

  /** Looks at a text and at what it stands for. */
  #lookDecoded(view: View, depth: number): Candidate[] {
    const found = this.#lookPlain(view);
    if (depth === depthMax) {
      return found;
    }
    const { text, before, traits } = view;
    const inner = (decoded: Decoded, runEnd: number | null): void => {
      const candidates = this.#lookDecoded(decodedView(decoded.text, before), depth + 1);
      for (const candidate of candidates) {
        // The form by which a key is followed is gone in base64, so the rest of the run belongs to it. So does the filling behind the last group.
        const isRest = runEnd !== null && (candidate.open === 'key' || candidate.end === decoded.text.length);
        const end = isRest ? runEnd : decoded.endOf(candidate.end);
        found.push({
          ...candidate,
          start: decoded.startOf(candidate.start),
          end,
          open: runEnd === null ? candidate.open : candidate.open === 'key' ? 'token' : null,
        });
      }
    };
    if ((traits & (escape | odd)) !== 0) {
      for (const decoded of [decodeEscapes(text), decodeQuotedPrintable(text)]) {
        if (decoded !== null) {
          inner(decoded, null);
        }
      }
    }
    if (text.length >= runUnitsMin && (traits & (upper | digit)) !== 0) {
      for (const { decoded, runEnd } of decodeRuns(text, view.isCut)) {
        inner(decoded, runEnd);
      }
    }
    return found;
  }

  #lookPlain(view: View): Candidate[] {
    const found: Candidate[] = [];
    let of = '';
    const take = (start: number, end: number, strength: Strength, open?: Open): void => {
      // A form without doubt needs no words.
      const support = strength === 'sure' ? 'named' : view.supportOf(start, { name: of, strength });
      if (support !== 'none') {
        found.push({ name: this.#names.get(of) ?? of, start, end, isNamed: support === 'named', open: open ?? null });
      }
    };
    const { text, traits } = view;
    for (const { name, finder } of this.#own) {
      finder.find(text, (start, end) => {
        found.push({ name, start, end, isNamed: true, open: null });
      });
    }
    const digits = (traits & digit) === 0 ? 0 : countDigits(text);
    for (const { name, traits: wanted, unitsMin, digitsMin, find } of this.#detectors) {
      if ((wanted & traits) !== 0 && text.length >= unitsMin && digits >= digitsMin) {
        of = name;
        find(view, take);
      }
    }
    if (digits >= formDigitsMin || (digits > 1 && (traits & upper) !== 0)) {
      this.#forms?.find(view, ({ name }, { start, end, strength }) => {
        of = name;
        take(start, end, strength);
      });
    }
    return found;
  }
}

/** Forms with fewer digits begin with a capital: the code of a diagnosis. */
const formDigitsMin = 6;

function countDigits(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    count += ((kinds[text.charCodeAt(i)] ?? 0) & digit) === 0 ? 0 : 1;
  }
  return count;
}

/** Makes the view of a decoded text, whose words count too. */
function decodedView(text: string, before: string): View {
  const whole = before + text;
  const supportOf: View['supportOf'] = (position, value) => {
    const context = new Context(contextWords);
    context.read(whole, 0, before.length + position);
    return context.supportOf(before.length + position, value);
  };
  return { text, before, traits: traitsOf(text), isCut: false, goesOn: false, supportOf };
}

/** So much before a boundary is decoded, to see whether a value crosses it. */
const crossingUnits = 512;
/** Values that have no digit have capitals, and are at least so long: a BIC. */
const capitalUnitsMin = 8;
/** Encodings within encodings are undone so many times. */
const depthMax = 3;

function traitsOf(text: string): number {
  let traits = 0;
  for (let i = 0; i < text.length; i += 1) {
    traits |= kinds[text.charCodeAt(i)] ?? 0;
  }
  return traits;
}

function compare(one: Candidate, other: Candidate): number {
  const byNamed = Number(other.isNamed) - Number(one.isNamed);
  return one.start - other.start || other.end - one.end || byNamed || (ranks.get(one.name) ?? 0) - (ranks.get(other.name) ?? 0);
}
