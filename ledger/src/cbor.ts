/** Writes CBOR (RFC 8949) in its deterministic encoding (4.2.1): shortest lengths, maps in the order of their encoded keys. */
import { encodeUtf8 } from './text.ts';
/** A value to write. Numbers are whole. A map has its keys once. */
export type CborValue =
  | number
  | string
  | Uint8Array
  | null
  | readonly CborValue[]
  | ReadonlyMap<number | string, CborValue>
  | { readonly tag: number; readonly value: CborValue };

const types = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
const nothing = 0xf6;

export function encodeCbor(value: CborValue): Uint8Array {
  if (value === null) {
    return Uint8Array.of(nothing);
  }
  if (typeof value === 'number') {
    return value < 0 ? head(types.negative, -1 - value) : head(types.unsigned, value);
  }
  if (typeof value === 'string') {
    const bytes = encodeUtf8(value);
    return join([head(types.text, bytes.length), bytes]);
  }
  if (value instanceof Uint8Array) {
    return join([head(types.bytes, value.length), value]);
  }
  if (value instanceof Map) {
    const pairs = [...value].map(([key, each]) => [encodeCbor(key), encodeCbor(each)] as const).toSorted(([a], [b]) => compareBytes(a, b));
    return join([head(types.map, pairs.length), ...pairs.flat()]);
  }
  if ('tag' in value) {
    return join([head(types.tag, value.tag), encodeCbor(value.value)]);
  }
  const items = [...value];
  return join([head(types.array, items.length), ...items.map(encodeCbor)]);
}

/** Writes a type and its number in the fewest bytes. */
function head(type: number, number: number): Uint8Array {
  if (!Number.isSafeInteger(number)) {
    throw new RangeError(`${number} is not a whole number that can be written`);
  }
  if (number < 24) {
    return Uint8Array.of((type << 5) | number);
  }
  const size = number < 2 ** 8 ? 1 : number < 2 ** 16 ? 2 : number < 2 ** 32 ? 4 : 8;
  const bytes = new Uint8Array(1 + size);
  bytes[0] = (type << 5) | (24 + Math.log2(size));
  for (let at = size, rest = number; at > 0; at--, rest = Math.floor(rest / 256)) {
    bytes[at] = rest % 256;
  }
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
}
