import { ByteReader } from '../../wire/byte-reader.ts';
import { utf8, type Decode } from './text-encoding.ts';
import { jsonb, textTypes } from './value-types.ts';

/**
 * Values in a form for people. Text values are shown as they are; binary values in the text format of their type if it is a common one, otherwise in hex.
 * https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
 */

/** Most groups of digits. PostgreSQL's longest numbers have 131,072 digits before the point. */
const numericGroupsMax = 40_000;
const binary = 1;
/** Binary dates and times count from 2000-01-01. */
const epochMs = Date.UTC(2000, 0, 1);
const dayMs = 86_400_000;

type Decoder = (body: ByteReader, decode: Decode) => string;

const decoders = new Map<number, Decoder>([
  ...Array.from(textTypes, (type): [number, Decoder] => [type, (body, decode) => decode(body.rest())]),
  [16, (body) => (body.uint8() === 0 ? 'f' : 't')],
  [17, (body) => hex(body.rest())],
  [20, (body) => int64(body).toString()],
  [21, (body) => String(body.int16())],
  [23, (body) => String(body.int32())],
  [26, (body) => String(body.uint32())],
  [700, (body) => String(Math.fround(Number(body.bytes(4).readFloatBE(0).toPrecision(7))))],
  [701, (body) => String(body.bytes(8).readDoubleBE(0))],
  [1082, (body) => date(body.int32())],
  [1083, (body) => time(int64(body))],
  [1114, (body) => timestamp(int64(body), '')],
  [1184, (body) => timestamp(int64(body), '+00')],
  [1700, numeric],
  [
    2950,
    (body) =>
      body
        .bytes(16)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  ],
  [jsonb, (body, decode) => decode(body.rest().subarray(1))],
]);

/** The array types whose elements are shown. */
const shownArrays = new Set([199, 1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182, 1183, 1185, 1231, 2951, 3807]);

/** True if the bytes of a value are text. Any other value is shown in hex if it is read in parts. */
export function isText(type: number, format: number): boolean {
  return format !== binary || type === jsonb || textTypes.has(type);
}

/** Formats a value. A `type` of 0 means unknown. Never throws. */
export function formatValue(bytes: Buffer | null, type: number, format: number, decode: Decode = utf8): string {
  if (bytes === null) {
    return 'NULL';
  }
  return format === binary ? formatBinary(bytes, type, decode) : decode(bytes);
}

function formatBinary(bytes: Buffer, type: number, decode: Decode): string {
  const read = shownArrays.has(type) ? array : decoders.get(type);
  if (read === undefined) {
    return hex(bytes);
  }
  try {
    const body = new ByteReader(bytes);
    const text = read(body, decode);
    body.finish();
    return text;
  } catch {
    // The value may not have the type that its description names.
    return hex(bytes);
  }
}

/** Prints bytes as PostgreSQL's bytea output does. */
function hex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

function int64(body: ByteReader): bigint {
  return body.bytes(8).readBigInt64BE(0);
}

function date(days: number): string {
  const instant = new Date(epochMs + days * dayMs);
  return Number.isNaN(instant.getTime()) ? `${days} days from 2000-01-01` : instant.toISOString().replace(/T.*/, '');
}

function time(microseconds: bigint): string {
  const ofDay = new Date(Number(microseconds / 1000n)).toISOString().slice(11, 19);
  return `${ofDay}${fraction(microseconds)}`;
}

function timestamp(microseconds: bigint, zone: string): string {
  const fractionUs = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const instant = new Date(epochMs + Number((microseconds - fractionUs) / 1000n));
  if (Number.isNaN(instant.getTime())) {
    return microseconds > 0n ? 'infinity' : '-infinity';
  }
  return `${instant.toISOString().slice(0, -5).replace('T', ' ')}${fraction(fractionUs)}${zone}`;
}

function fraction(microseconds: bigint): string {
  const digits = String(microseconds % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return digits === '' ? '' : `.${digits}`;
}

/** Formats a numeric: digits in base 10,000 with a weight and a display scale. */
function numeric(body: ByteReader): string {
  const [count, weight, sign, scale] = [body.uint16(), body.int16(), body.uint16(), body.uint16()];
  const special = new Map([
    [0xc000, 'NaN'],
    [0xd000, 'Infinity'],
    [0xf000, '-Infinity'],
  ]).get(sign);
  if (special !== undefined) {
    return special;
  }
  const digits: string[] = [];
  for (let i = 0; i < count; i += 1) {
    digits.push(String(body.int16()).padStart(4, '0'));
  }
  const group = (at: number): string => digits[at] ?? '0000';
  const wholeGroups = Array.from({ length: Math.min(Math.max(weight + 1, 0), numericGroupsMax) }, (_, i) => group(i));
  const fractionGroups = Array.from({ length: Math.min(Math.ceil(scale / 4), numericGroupsMax) }, (_, i) => group(weight + 1 + i));
  const whole = wholeGroups.join('').replace(/^0+(?=\d)/, '');
  const rest = fractionGroups.join('').slice(0, scale);
  return `${sign === 0x4000 ? '-' : ''}${whole === '' ? '0' : whole}${rest === '' ? '' : `.${rest}`}`;
}

function array(body: ByteReader, decode: Decode): string {
  const dimensions = body.int32();
  body.int32();
  const type = body.uint32();
  if (dimensions === 0) {
    return '{}';
  }
  const sizes: number[] = [];
  for (let i = 0; i < dimensions; i += 1) {
    sizes.push(body.int32());
    body.int32();
  }
  const total = sizes.reduce((product, size) => product * size, 1);
  const items: string[] = [];
  // Each element takes bytes, so reading fails after the last one.
  for (let i = 0; i < total; i += 1) {
    const length = body.int32();
    items.push(formatValue(length === -1 ? null : body.bytes(length), type, binary, decode));
  }
  return `{${items.join(',')}}`;
}
