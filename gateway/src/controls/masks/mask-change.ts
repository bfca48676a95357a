import type { KeyObject } from 'node:crypto';
import type { ClassSet } from '../../classes/class-set.ts';
import { plainValue } from '../../classes/catalogue.ts';
import { namedPlace } from '../../classes/named-place.ts';
import { TextScan, type Settled } from '../../classes/text-scan.ts';
import { WholeTexts } from '../../classes/whole-texts.ts';
import type { Masked } from '../../domain/masked.ts';
import { placeIn, sliced, spelledSource, type Slices, type TextChange, type TextStream } from '../../domain/text-change.ts';
import type { Obligation } from '../../domain/decision.ts';
import { isStricter, methodsOf, type ClassMethods } from '../../policy/mask-text.ts';
import { JsonPlace } from './json-place.ts';
import { digestOf, maskedValue, showsForm } from './methods.ts';

/** Most values that one report tells one by one. */
const reportedMax = 100;

export interface MaskParts {
  /** The keys of digests: of values in the record, and of those that stand in place of values. */
  readonly keys: Readonly<Record<'record' | 'hash' | 'pseudonym', KeyObject>>;
  /** Returns the set of classes that are looked for in texts. */
  readonly classSet: (names: readonly string[]) => ClassSet;
  /** Returns the classes of a value of a target by one of its sources. */
  readonly classesOf: (target: string, source: string) => readonly string[];
  /** Called with each value for which a pseudonym stands. */
  readonly onStandIn?: (standIn: string, value: string) => void;
}

/** The masks of an obligation: the method for each class, and the policies that say it. */
export interface MaskRule {
  readonly methods: ClassMethods;
  readonly classes: readonly string[];
  readonly policies: readonly string[];
}

/** A value as it is written, and with its encodings undone. Null: it is in none. */
interface MaskedValue {
  readonly name: string;
  readonly value: string;
  readonly said: string | null;
}

const none: readonly string[] = [];
/** Matches a number of JSON, also the beginning of one. */
const number = /^-?\d[\d.]*$/;

/** Reads obligations that mask, each once: a policy gives each request the same objects. */
export class MaskRules {
  readonly #read = new WeakMap<Obligation, MaskRule>();

  of(obligation: Obligation): MaskRule {
    const rule = this.#read.get(obligation) ?? ruleOf(obligation);
    this.#read.set(obligation, rule);
    return rule;
  }
}

function ruleOf(obligation: Obligation): MaskRule {
  const methods = methodsOf(obligation);
  return { methods, classes: [...methods.keys()], policies: (obligation.parameters['policy'] ?? '').split(',').filter((id) => id !== '') };
}

/**
 * Makes the change that masks the values of some classes in the texts of one answer, or of one request. A text gives the same result however it is cut into pieces.
 */
export function maskChange({ methods, classes: names, policies }: MaskRule, target: string, { keys, classSet, classesOf, onStandIn }: MaskParts): TextChange {
  const classes = classSet(names);
  // Most answers have no value, so what tells of values is made with the first one.
  let counts: Map<string, number> | null = null;
  let values: Masked[] = [];
  let whole: WholeTexts | null = null;
  const mask = ({ text, found }: Settled, sources: readonly string[] | undefined, place: JsonPlace): string => {
    let changed = '';
    let done = 0;
    for (const { name, start, end, isContinued, said } of found) {
      const before = text.slice(done, start);
      const value = text.slice(start, end);
      place.pass(before);
      changed += before;
      done = end;
      if (!isContinued) {
        changed += maskIn(place, { name, value, said }, sources);
      }
      place.pass(value);
    }
    place.pass(done === 0 ? text : text.slice(done));
    return done === 0 ? text : changed + text.slice(done);
  };
  /** Masks a value so that a text that is JSON stays JSON: a number becomes null. Of a value with escapes nothing is left, because a part of an escape is none. */
  const maskIn = (place: JsonPlace, value: MaskedValue, sources: readonly string[] | undefined): string => {
    const isEscaped = value.said !== null || (place.isInString && value.value.includes('\\'));
    const hidden = maskOne(value, sources, isEscaped && showsForm(methods.get(value.name)));
    return place.isAtValue && number.test(value.value) ? 'null' : hidden;
  };
  const maskOne = ({ name, value, said }: MaskedValue, sources: readonly string[] = none, isDerived = false): string => {
    const wanted = methods.get(name) ?? 'redact';
    // An expression could put any part of a value where a method shows it, or compare it piece by piece.
    const method = isDerived && wanted !== 'null' ? 'redact' : wanted;
    const plain = plainValue(name, said ?? value);
    counts ??= new Map();
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (values.length < reportedMax) {
      const place = placeIn(sources);
      values.push({ name, method, digest: digestOf(keys.record, name, plain), place: place === null ? null : namedPlace(place, classes) });
    }
    const isToken = method === 'hash' || method === 'pseudonym';
    // A stand-in is put back as it was written, so each spelling has its own.
    const masked = isToken ? `${name}_${digestOf(keys[method], name, method === 'hash' ? plain : value)}` : maskedValue(method, name, value);
    if (method === 'pseudonym') {
      onStandIn?.(masked, value);
    }
    return masked;
  };
  const begin = (sources?: readonly string[]): TextStream => {
    const scan = new TextScan(classes, classes.words.of(sources));
    const place = new JsonPlace();
    return { push: (piece) => mask(scan.push(piece), sources, place), end: () => mask(scan.end(), sources, place), isHolding: () => scan.isHolding() };
  };
  /** Returns the class of a value by its sources, the one with the strictest method of those that policy masks. */
  const classBy = (sources: readonly string[]): string | undefined => {
    const named = sources.flatMap((source) => classesOf(target, source)).filter((name) => methods.has(name));
    return named.length < 2 ? named[0] : named.reduce((one, other) => (isStricter(methods, other, one) ? other : one));
  };
  const covers = (source: string): boolean => classBy([source]) !== undefined;
  /** By the lists of sources that protocols keep for each column. */
  let known: WeakMap<readonly string[], string | null> | null = null;
  const knownClass = (sources: readonly string[]): string | null => {
    const [only] = sources;
    if (sources.length === 1 && only !== undefined && classesOf(target, only).length === 0) {
      return null;
    }
    known ??= new WeakMap();
    const found = known.get(sources);
    const name = found === undefined ? (classBy(sources) ?? null) : found;
    if (found === undefined) {
      known.set(sources, name);
    }
    return name;
  };
  const change = (text: string, sources?: readonly string[], isDerived = false): string => {
    if (sources === spelledSource) {
      return '';
    }
    const name = sources === undefined ? null : knownClass(sources);
    if (name !== null) {
      return maskOne({ name, value: text, said: null }, sources, isDerived);
    }
    whole ??= new WholeTexts(classes);
    const settled = whole.look(text, sources);
    return settled === null ? text : mask(settled, sources, new JsonPlace());
  };
  function* inSlices(text: string, sources?: readonly string[], isDerived?: boolean): Slices<string> {
    if (sources !== undefined && (sources === spelledSource || knownClass(sources) !== null)) {
      return change(text, sources, isDerived);
    }
    const stream = begin(sources);
    return (yield* sliced(stream, text)) + stream.end();
  }
  const report = (): ReturnType<NonNullable<TextChange['report']>> => {
    if (counts === null) {
      return null;
    }
    const told = { counts, values, policies };
    counts = null;
    values = [];
    return told;
  };
  return Object.assign(change, { begin, inSlices, report, covers });
}
