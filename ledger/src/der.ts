/** Reads ASN.1 in its distinguished encoding (DER, X.690), as much of it as certificates and timestamps have. What is not DER is malformed. */
import { equalBytes } from './proof.ts';
import { encodeHex } from './hex.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8 } from './text.ts';

/** Most values in one sequence or set. */
const itemsMax = 1024;
/** Lengths have at most this many bytes. */
const lengthBytesMax = 3;
/** An object identifier has at most this many bytes. */
const identifierBytesMax = 64;

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  identifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Returns the tag of a context-specific value. It is constructed unless `isPrimitive`. */
export function contextTag(number: number, isPrimitive = false): number {
  return (isPrimitive ? 0x80 : 0xa0) | number;
}

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The whole value: tag, length and content. */
  readonly bytes: Uint8Array;
}

/** Reads bytes that are exactly one value. Throws `MalformedError`. */
export function readDer(bytes: Uint8Array): DerValue {
  const value = readAt(bytes, 0);
  if (value.bytes.length !== bytes.length) {
    throw new MalformedError('bytes behind a DER value');
  }
  return value;
}

function readAt(bytes: Uint8Array, at: number): DerValue {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) {
    throw new MalformedError('not a DER value');
  }
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > lengthBytesMax) {
      throw new MalformedError('a DER value without a length, or too long');
    }
    length = bytes.subarray(start, start + size).reduce((sum, byte) => sum * 256 + byte, 0);
    start += size;
    if (length < 0x80 || length < 256 ** (size - 1)) {
      throw new MalformedError('a length that is not the shortest');
    }
  }
  if (start + length > bytes.length) {
    throw new MalformedError('a DER value that is cut short');
  }
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(at, start + length) };
}

/** The values of a sequence or set, which are taken one after the other. */
export class DerItems {
  readonly #items: readonly DerValue[];
  #at = 0;

  /** Throws `MalformedError`. */
  constructor({ content }: DerValue) {
    const items: DerValue[] = [];
    for (let at = 0; at < content.length;) {
      const item = readAt(content, at);
      items.push(item);
      at += item.bytes.length;
      if (items.length > itemsMax) {
        throw new MalformedError('a DER value with too many parts');
      }
    }
    this.#items = items;
  }

  /** Takes the next value, which must have this tag. Throws `MalformedError`. */
  next(tag: number): DerValue {
    const item = this.optional(tag);
    if (item === undefined) {
      throw new MalformedError('a DER value without a part that it must have');
    }
    return item;
  }

  /** Takes the next value if it has this tag. */
  optional(tag: number): DerValue | undefined {
    const item = this.#items[this.#at];
    if (item?.tag !== tag) {
      return undefined;
    }
    this.#at += 1;
    return item;
  }

  /** Takes all values that are left. */
  rest(): readonly DerValue[] {
    const rest = this.#items.slice(this.#at);
    this.#at = this.#items.length;
    return rest;
  }

  /** Takes the values that are left, which must have this tag. Throws `MalformedError`. */
  all(tag: number): readonly DerValue[] {
    const rest = this.rest();
    if (rest.some((item) => item.tag !== tag)) {
      throw new MalformedError('a DER value with a part of another kind');
    }
    return rest;
  }

  /** Throws `MalformedError` if values are left. */
  end(): void {
    if (this.#at < this.#items.length) {
      throw new MalformedError('a DER value with parts that it must not have');
    }
  }
}

/** Takes a sequence apart. Throws `MalformedError` if the value is none. */
export function sequenceOf(value: DerValue): DerItems {
  if (value.tag !== derTags.sequence) {
    throw new MalformedError('a DER value that is no sequence');
  }
  return new DerItems(value);
}

/** Takes the sequence that comes next, apart. */
export function nextSequence(items: DerItems): DerItems {
  return new DerItems(items.next(derTags.sequence));
}

/** Reads the only value in an explicitly tagged one. Throws `MalformedError`. */
export function insideOf({ content }: DerValue, tag: number): DerValue {
  const inside = readDer(content);
  if (inside.tag !== tag) {
    throw new MalformedError('a DER value of another kind');
  }
  return inside;
}

/** Returns an object identifier in its dotted form. Throws `MalformedError`. */
export function identifierOf({ content }: DerValue): string {
  const numbers: number[] = [];
  let number = 0;
  let isPadded = false;
  for (const [at, byte] of content.subarray(0, identifierBytesMax).entries()) {
    isPadded ||= byte === 0x80 && ((content[at - 1] ?? 0) & 0x80) === 0;
    number = number * 128 + (byte & 0x7f);
    if ((byte & 0x80) === 0) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first, ...rest] = numbers;
  if (first === undefined || isPadded || content.length > identifierBytesMax || !numbers.every(Number.isSafeInteger) || ((content.at(-1) ?? 0) & 0x80) !== 0) {
    throw new MalformedError('not an object identifier');
  }
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...rest].join('.');
}

/** Returns an integer in lower-case hexadecimal digits of its shortest two's complement form. Throws `MalformedError`. */
export function integerHex({ content }: DerValue): string {
  const [first, second = 0] = content;
  const isPadded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || isPadded) {
    throw new MalformedError('not an integer');
  }
  return encodeHex(content);
}

/** Returns an integer from 0 to 2^31. Throws `MalformedError`. */
export function smallInteger(value: DerValue): number {
  const number = Number.parseInt(integerHex(value), 16);
  if (value.content.length > 4 || (value.content[0] ?? 0) >= 0x80) {
    throw new MalformedError('an integer that is too large');
  }
  return number;
}

/** Throws `MalformedError`. */
export function booleanOf({ content }: DerValue): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw new MalformedError('not a boolean');
  }
  return content[0] === 0xff;
}

/** Returns the bits of a bit string as bytes, which must be whole. Throws `MalformedError`. */
export function wholeBits({ content }: DerValue): Uint8Array {
  if (content[0] !== 0) {
    throw new MalformedError('a bit string that is no whole bytes');
  }
  return content.subarray(1);
}

/** Returns whether a bit of a bit string is set; the first is 0. */
export function hasBit({ content }: DerValue, bit: number): boolean {
  return (((content[1 + Math.floor(bit / 8)] ?? 0) >> (7 - (bit % 8))) & 1) === 1;
}

/** Returns a UTCTime or GeneralizedTime in Unix ms. Fractions of a millisecond are left out. Throws `MalformedError`. */
export function timeOf({ tag, content }: DerValue): number {
  const text = decodeUtf8(content);
  const [, digits = '', fraction = ''] =
    (tag === derTags.utcTime ? /^(\d{12})Z$/ : tag === derTags.generalizedTime ? /^(\d{14})(?:\.(\d{0,8}[1-9]))?Z$/ : /^$./).exec(text) ?? [];
  const year = tag === derTags.utcTime ? `${Number(digits.slice(0, 2)) < 50 ? '20' : '19'}${digits.slice(0, 2)}` : digits.slice(0, 4);
  const [month, day, hour, minute, second] = digits.slice(-10).match(/\d\d/g) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
  const time = Date.parse(iso);
  if (digits === '' || Number.isNaN(time) || new Date(time).toISOString() !== iso) {
    throw new MalformedError('not a time');
  }
  return time;
}

export function isSameDer(a: DerValue, b: DerValue): boolean {
  return equalBytes(a.bytes, b.bytes);
}
