import type { KeyObject } from 'node:crypto';
import type { ClassSet } from '../../classes/class-set.ts';
import { TextScan, type Settled } from '../../classes/text-scan.ts';
import type { Masked } from '../../domain/masked.ts';
import type { TextChange, TextStream } from '../../domain/text-change.ts';
import { isStricter, type ClassMethods } from '../../policy/mask-text.ts';
import { digestOf, maskedValue } from './methods.ts';

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

/**
 * Makes the change that masks the values of some classes in the texts of one answer, or of one request. A text gives the same result however it is cut into pieces.
 */
export function maskChange(methods: ClassMethods, target: string, { keys, classSet, classesOf, onStandIn }: MaskParts): TextChange {
  const classes = classSet([...methods.keys()]);
  let counts = new Map<string, number>();
  let values: Masked[] = [];
  const mask = ({ text, found }: Settled): string => {
    let changed = '';
    let done = 0;
    for (const { name, start, end, isContinued } of found) {
      changed += text.slice(done, start);
      done = end;
      if (!isContinued) {
        changed += maskOne(name, text.slice(start, end));
      }
    }
    return done === 0 ? text : changed + text.slice(done);
  };
  const maskOne = (name: string, value: string, isDerived = false): string => {
    const said = methods.get(name) ?? 'redact';
    // An expression could put any part of a value where a method shows it, or compare it piece by piece.
    const method = isDerived && said !== 'null' ? 'redact' : said;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (values.length < reportedMax) {
      values.push({ name, method, digest: digestOf(keys.record, name, value) });
    }
    const isToken = method === 'hash' || method === 'pseudonym';
    const masked = isToken ? `${name}_${digestOf(keys[method], name, value)}` : maskedValue(method, name, value);
    if (method === 'pseudonym') {
      onStandIn?.(masked, value);
    }
    return masked;
  };
  const begin = (): TextStream => {
    const scan = new TextScan(classes);
    return { push: (piece) => mask(scan.push(piece)), end: () => mask(scan.end()), isHolding: () => scan.isHolding() };
  };
  /** Returns the class of a value by its sources, the one with the strictest method of those that policy masks. */
  const classBy = (sources: readonly string[]): string | undefined => {
    const named = sources.flatMap((source) => classesOf(target, source)).filter((name) => methods.has(name));
    return named.length < 2 ? named[0] : named.reduce((one, other) => (isStricter(methods, other, one) ? other : one));
  };
  const covers = (source: string): boolean => classBy([source]) !== undefined;
  const change = (text: string, sources?: readonly string[], isDerived = false): string => {
    const name = sources === undefined ? undefined : classBy(sources);
    if (name !== undefined) {
      return maskOne(name, text, isDerived);
    }
    const stream = begin();
    return stream.push(text) + stream.end();
  };
  const report = (): ReturnType<NonNullable<TextChange['report']>> => {
    if (counts.size === 0) {
      return null;
    }
    const told = { counts, values };
    counts = new Map();
    values = [];
    return told;
  };
  return Object.assign(change, { begin, report, covers });
}
