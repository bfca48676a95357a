import type { KeyObject } from 'node:crypto';
import { TextScan, type Settled } from '../../classes/text-scan.ts';
import type { Masked } from '../../domain/masked.ts';
import type { TextChange, TextStream } from '../../domain/text-change.ts';
import type { ClassMethods } from '../../policy/mask-text.ts';
import { digestOf, maskedValue } from './methods.ts';

/** Most values that one report tells one by one. */
const reportedMax = 100;

/**
 * Makes the change that masks the values of some classes in the texts of one answer, or of one request. A text gives the same result however it is cut into pieces.
 * `onStandIn` is told of each value for which a pseudonym stands.
 */
export function maskChange(methods: ClassMethods, key: KeyObject, onStandIn?: (standIn: string, value: string) => void): TextChange {
  const classes = [...methods.keys()];
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
  const maskOne = (name: string, value: string): string => {
    const method = methods.get(name) ?? 'redact';
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const digest = method === 'hash' || method === 'pseudonym' || values.length < reportedMax ? digestOf(key, name, value) : '';
    if (values.length < reportedMax) {
      values.push({ name, method, digest });
    }
    const masked = maskedValue(method, name, value, digest);
    if (method === 'pseudonym') {
      onStandIn?.(masked, value);
    }
    return masked;
  };
  const begin = (): TextStream => {
    const scan = new TextScan(classes);
    return { push: (piece) => mask(scan.push(piece)), end: () => mask(scan.end()), isHolding: () => scan.isHolding() };
  };
  const change = (text: string): string => {
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
  return Object.assign(change, { begin, report });
}
