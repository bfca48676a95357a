import { z } from 'zod';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Step } from '../../domain/step.ts';
import type { TargetFacts } from '../../domain/target.ts';
import { readStrictJson } from '../../content/strict-json.ts';
import { joinedHeaderOf, type Headers } from '../../exchange/reading.ts';

/** Most values that a target names. */
const namesMax = 50;
/** Most characters of a text that is a fact. A longer text is absent. */
const textLengthMax = 256;

const pointer = /^(?:\/(?:[^~/]|~[01])*){1,20}$/;
const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

export const bodyOption = z
  .record(
    z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$/, 'a name is a letter and at most 31 more letters and digits'),
    z.string().regex(pointer, 'a place in JSON is a JSON Pointer, as /order/amount'),
    'names with places in JSON are expected, as { amount: /order/amount }',
  )
  .refine((named) => Object.keys(named).length <= namesMax, `at most ${namesMax} names are expected`)
  .default({})
  .describe(
    'Values in JSON bodies of requests that policies may speak of, each with its place as a JSON Pointer (RFC 6901): `{ amount: /order/amount }`. Every body of a request to the target is then read whole, so it is at most `limits.frameBytesMax` long.',
  );

/** Returns the places in a body that the target names. */
export function namedPlaces({ options: { body } }: Pick<TargetFacts, 'options'>): Readonly<Record<string, string>> {
  const named = bodyOption.safeParse(body);
  return named.success ? named.data : {};
}

/** True if the target names values of bodies. */
export function namesPlaces({ options: { body } }: Pick<TargetFacts, 'options'>): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length > 0;
}

interface Asked {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly places: Readonly<Record<string, string>>;
}

/** Finds the named values in the body of a request. It never throws: a body that not all parsers read alike is said to be unreadable, and has no values. */
export const step: Step<Asked, Attributes> = {
  module: import.meta.url,
  take: ({ headers, body, places }) => {
    if (body.length === 0) {
      return { [ownAttributes.bodyReadable]: true };
    }
    const json = isJson(headers) ? readStrictJson(body) : null;
    const values = json === null ? [] : Object.entries(places).flatMap(([name, place]) => textOf(name, valueAt(json.value, place)));
    return { [ownAttributes.bodyReadable]: json !== null, ...(values.length === 0 ? {} : { [ownAttributes.body]: values }) };
  },
};

function isJson(headers: Headers): boolean {
  return jsonType.test(joinedHeaderOf(headers, 'content-type')) && joinedHeaderOf(headers, 'content-encoding') === '';
}

/** Returns the value at a JSON Pointer; undefined if there is none. */
function valueAt(json: unknown, place: string): unknown {
  let value: unknown = json;
  for (const part of place.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const isThere = Array.isArray(value) ? /^(?:0|[1-9]\d{0,8})$/.test(key) : typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    value = isThere ? Object(value)[key] : undefined;
  }
  return value;
}

function textOf(name: string, value: unknown): string[] {
  const isScalar = typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length <= textLengthMax);
  return isScalar ? [`${name}=${JSON.stringify(value)}`] : [];
}
