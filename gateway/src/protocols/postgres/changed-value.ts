import { GatewayError } from '../../domain/errors.ts';
import { jsonTexts, withJsonTexts } from '../../content/json-texts.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import type { Found } from './guard/catalogue.ts';
import { changedArray, changedComposite } from './nested-text.ts';
import { formatValue } from './render-values.ts';
import { place } from './text-place.ts';
import {
  anyArray,
  arrayTypes,
  bytea,
  deviceTypes,
  fractionTypes,
  integerTypes,
  json,
  jsonb,
  mixedTypes,
  multirangeTypes,
  networkTypes,
  oneCharacter,
  plainTypes,
  rangeTypes,
  record,
  textlessTypes,
  textTypes,
} from './value-types.ts';

/** Changes of the values of one column. */
export interface ValueChange {
  /** `member` is the path of the member of JSON in the value that has the text. Absent or null: it is in none. */
  readonly text: (text: string, member?: string | null) => string;
  /** True if every value is changed, whatever it is. */
  readonly isWhole: boolean;
  /** Returns what the catalogue of the target knows of a type that is not PostgreSQL's own; undefined if nothing. */
  readonly typeOf: (oid: number) => Found | undefined;
}

/** The type of a value, 0 if it is not known, and its format. */
export interface ValueForm {
  readonly type: number;
  readonly format: number;
}

const binary = 1;
/** The type of a value within a row whose columns are not described: it is taken for what it looks like. */
const guessed = -1;
/** Deepest nesting of arrays, rows and ranges within one another. */
const nestedMax = 8;
const integer = /^-?\d{1,19}$/;
const fraction = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Matches a number, a truth value, a time, an id: what a client reads as another type than text. */
const untextual = /^(?:[tf]|[-+\d.:/ eE]+|\d{4}-[-\d.:+ TZ]+|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/**
 * Returns a value with its texts changed, still valid for its type; null if that cannot be, which makes it NULL. The bytes are the same if nothing changes. Throws GatewayError `unsupported` if
 * texts in a binary value cannot be found.
 */
export function changedValue(value: Buffer, { type, format }: ValueForm, change: ValueChange): Buffer | null {
  return format === binary ? changedBinary(value, type, change, 0) : changedPlace(value, (text) => changedText(text, type, change, 0));
}

function changedPlace(value: Buffer, change: (text: string) => string | null): Buffer | null {
  const { text, write } = place(value, (bytes) => bytes);
  const changed = change(text);
  return changed === null ? null : write(changed);
}

function changedText(text: string, type: number, change: ValueChange, depth: number): string | null {
  if (depth > nestedMax) {
    throw new GatewayError('unsupported', `Policy changes texts of this result, and a value has more than ${nestedMax} values within one another.`);
  }
  const element = elementOf(type, change);
  const nested = (of: number) => (each: string) => changedText(each, of, change, depth + 1);
  if (type === guessed) {
    return changedGuess(text, change, depth);
  }
  if (type === json || type === jsonb) {
    return changedJson(text, change);
  }
  if (type === bytea) {
    return changedBytes(text, change);
  }
  if (element !== null) {
    return changedArray(text, nested(element)) ?? unlessChanged(text, change);
  }
  if (type === record || formOf(type, change) === 'c') {
    return changedComposite(text, nested(guessed)) ?? unlessChanged(text, change);
  }
  const { form, base } = change.typeOf(type) ?? {};
  if (form === 'd' && base !== undefined) {
    return changedText(text, base, change, depth + 1);
  }
  if (isTextual(type, change)) {
    return orNull(text, change.text(text));
  }
  if (rangeTypes.has(type) || multirangeTypes.has(type) || isOneOf(formOf(type, change), 'rm')) {
    return text.split(/[[\](){},"]+/).every((bound) => bound === '' || change.text(bound) === bound) && !change.isWhole ? text : null;
  }
  const changed = change.text(text);
  return changed === text || isValid(changed, type) ? changed : null;
}

/** Changes a value whose type nobody said. */
function changedGuess(text: string, change: ValueChange, depth: number): string | null {
  if (untextual.test(text)) {
    return unlessChanged(text, change);
  }
  const nested = (each: string): string | null => changedText(each, guessed, change, depth + 1);
  switch (text.charAt(0)) {
    case '\\':
      return changedBytes(text, change);
    case '[':
      return changedJson(text, change);
    case '{':
      return isJson(text) ? changedJson(text, change) : (changedArray(text, nested) ?? orNull(text, change.text(text)));
    case '(':
      return changedComposite(text, nested) ?? orNull(text, change.text(text));
    default:
      return orNull(text, change.text(text));
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A value of which nothing is left is NULL. */
export function orNull(text: string, changed: string): string | null {
  return changed === '' && text !== '' ? null : changed;
}

function unlessChanged(text: string, change: ValueChange): string | null {
  return change.text(text) === text ? text : null;
}

function changedJson(text: string, change: ValueChange): string | null {
  const texts = change.isWhole ? null : jsonTexts(text);
  if (texts === null) {
    const changed = orNull(text, change.text(text));
    return changed === null || changed === text ? changed : JSON.stringify(changed);
  }
  return withJsonTexts(
    text,
    texts,
    texts.map((each) => change.text(each.text, each.path)),
    true,
  );
}

/** Changes bytes that are written as text, in hexadecimal digits or with escapes. */
function changedBytes(text: string, change: ValueChange): string | null {
  const isHex = text.startsWith(String.raw`\x`);
  const bytes = isHex ? Buffer.from(text.slice(2), 'hex') : Buffer.from(unescaped(text), 'latin1');
  const changed = changedPlace(bytes, (each) => orNull(each, change.text(each)));
  if (changed === null || changed === bytes) {
    return changed === null ? null : text;
  }
  return isHex ? String.raw`\x${changed.toString('hex')}` : escaped(changed);
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:([0-3][0-7]{2})|\\)/g, (_found, octal: string | undefined) =>
    octal === undefined ? '\\' : String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function escaped(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replaceAll(/[^ -~]|\\/g, (sign) => (sign === '\\' ? String.raw`\\` : `\\${(sign.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`));
}

/** Returns whether a text is a value of a type of numbers. */
function isValid(text: string, type: number): boolean {
  const bytes = integerTypes.get(type);
  return bytes === undefined ? fractionTypes.has(type) && fraction.test(text) : integer.test(text) && isInRange(BigInt(text), bytes);
}

function isInRange(number: bigint, bytes: number): boolean {
  return BigInt.asIntN(bytes * 8, number) === number;
}

function formOf(type: number, { typeOf }: ValueChange): string {
  return typeOf(type)?.form ?? '';
}

function isOneOf(form: string, forms: string): boolean {
  return form !== '' && forms.includes(form);
}

/** True for types that any text is a value of. Of a type that is not known that is assumed in the text format. */
function isTextual(type: number, { typeOf }: ValueChange): boolean {
  return type === 0 || (textTypes.has(type) && type !== oneCharacter) || mixedTextTypes.has(type) || typeOf(type)?.name === 'citext';
}

/** refcursor and cstring. */
const mixedTextTypes: ReadonlySet<number> = new Set([1790, 2275]);

/** Returns the type of the elements if a type is one of arrays; null if it is another. */
function elementOf(type: number, { typeOf }: ValueChange): number | null {
  const known = type === anyArray ? guessed : arrayTypes.get(type);
  if (known !== undefined) {
    return known;
  }
  const { oids = [] } = typeOf(type) ?? {};
  return oids[1] === type ? (oids[0] ?? null) : null;
}

function changedBinary(value: Buffer, type: number, change: ValueChange, depth: number): Buffer | null {
  const found = change.typeOf(type);
  if (type === json || type === jsonb) {
    const text = type === jsonb ? value.subarray(1) : value;
    const changed = changedPlace(text, (each) => changedJson(each, change));
    return changed === null || changed === text ? (changed === null ? null : value) : type === jsonb ? Buffer.concat([value.subarray(0, 1), changed]) : changed;
  }
  if (type === oneCharacter) {
    return changedPlace(value, (text) => unlessChanged(text, change));
  }
  if (textTypes.has(type) || type === bytea || found?.name === 'citext') {
    return changedPlace(value, (text) => orNull(text, change.text(text)));
  }
  if (elementOf(type, change) !== null) {
    return changedBinaryArray(value, type, change, depth);
  }
  if (type === record || found?.form === 'c') {
    return changedBinaryComposite(value, change, depth);
  }
  if (found?.form === 'd' && found.base !== undefined && depth <= nestedMax) {
    return changedBinary(value, found.base, change, depth + 1);
  }
  if (mixedTypes.has(type) || found?.form === 'e') {
    return changedPlace(value, (text) => unlessChanged(text, change));
  }
  return changedPlain(value, type, change);
}

/** Changes a value without texts: it is looked at in its text form. */
function changedPlain(value: Buffer, type: number, change: ValueChange): Buffer | null {
  if (change.isWhole && !integerTypes.has(type)) {
    return null;
  }
  if (textlessTypes.has(type)) {
    return value;
  }
  const texts = plainTexts(value, type);
  if (texts === null) {
    throw new GatewayError(
      'unsupported',
      'Policy changes texts of this result, and they cannot be found in a binary value of this type, or the statement was never described. Ask for the text format, or prepare the statement anew.',
    );
  }
  const [text = ''] = texts;
  const changed = texts.map((each) => change.text(each));
  if (changed.every((each, i) => each === texts[i])) {
    return value;
  }
  const bytes = integerTypes.get(type);
  return bytes === undefined || !isValid(changed[0] ?? text, type) ? null : integerBytes(BigInt(changed[0] ?? text), bytes);
}

function integerBytes(number: bigint, bytes: number): Buffer {
  const whole = Buffer.alloc(8);
  whole.writeBigInt64BE(number);
  return whole.subarray(8 - bytes);
}

/** Returns the texts by which a binary value is known; null if it cannot be read. */
function plainTexts(value: Buffer, type: number): readonly string[] | null {
  const bytes = plainTypes.get(type);
  if (bytes === undefined ? type === 1700 : value.length === bytes) {
    const text = formatValue(value, type, binary);
    return text.startsWith('\\') ? null : [text];
  }
  if (networkTypes.has(type)) {
    return networkText(value);
  }
  if (deviceTypes.has(type)) {
    return [Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(':')];
  }
  const bound = rangeTypes.get(type);
  if (bound !== undefined) {
    return boundTexts(new ByteReader(value), bound);
  }
  const range = multirangeTypes.get(type);
  return range === undefined ? null : rangesTexts(new ByteReader(value), range);
}

/** Family, bits of the mask, whether it is a cidr, and the address after its length. */
function networkText(value: Buffer): readonly string[] {
  const address = value.subarray(4);
  if (address.length === 4) {
    return [address.join('.')];
  }
  return [(address.toString('hex').match(/.{4}/g) ?? []).join(':')];
}

const emptyRange = 0x01;
const noLower = 0x08;
const noUpper = 0x10;

function boundTexts(body: ByteReader, type: number): readonly string[] {
  const flags = body.uint8();
  const count = (flags & emptyRange) === 0 ? [noLower, noUpper].filter((flag) => (flags & flag) === 0).length : 0;
  return Array.from({ length: count }, () => formatValue(body.bytes(body.int32()), type, binary));
}

function rangesTexts(body: ByteReader, type: number): readonly string[] {
  const texts: string[] = [];
  for (let left = body.int32(); left > 0; left -= 1) {
    texts.push(...boundTexts(new ByteReader(body.bytes(body.int32())), rangeTypes.get(type) ?? 0));
  }
  return texts;
}

/** https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c (`array_send`) */
function changedBinaryArray(value: Buffer, type: number, change: ValueChange, depth: number): Buffer | null {
  const body = new ByteReader(value);
  const dimensionsOf = body.int32();
  const head = value.subarray(4, 12);
  body.int32();
  const element = body.uint32();
  const bounds = body.bytes(dimensionsOf * 8);
  if (type !== anyArray && element !== elementOf(type, change)) {
    throw new GatewayError('malformed', 'The target sent an array of another type than it said.');
  }
  const writer = new ByteWriter().int32(dimensionsOf);
  const hasNull = writer.length;
  writer.bytes(head).bytes(bounds);
  const isChanged = changeElements(body, writer, { change, depth, typeOf: () => element, isNullable: () => writer.patchInt32(hasNull, 1) });
  return isChanged ? writer.finish() : value;
}

/** Each column of a row is the OID of its type, and the value after its length. */
function changedBinaryComposite(value: Buffer, change: ValueChange, depth: number): Buffer | null {
  const body = new ByteReader(value);
  const count = body.int32();
  const writer = new ByteWriter().int32(count);
  const typeOf = (): number => {
    const type = body.uint32();
    writer.int32(type | 0);
    return type;
  };
  return changeElements(body, writer, { change, depth, typeOf, isNullable: () => null }) ? writer.finish() : value;
}

/** Writes the values that are left, changed. Returns whether one is changed. */
function changeElements(
  body: ByteReader,
  writer: ByteWriter,
  of: { readonly change: ValueChange; readonly depth: number; readonly typeOf: () => number; readonly isNullable: () => unknown },
): boolean {
  if (of.depth > nestedMax) {
    throw new GatewayError('unsupported', `Policy changes texts of this result, and a value has more than ${nestedMax} values within one another.`);
  }
  let isChanged = false;
  while (body.left > 0) {
    const type = of.typeOf();
    const length = body.int32();
    const element = length < 0 ? null : body.bytes(length);
    const changed = element === null ? null : changedBinary(element, type, of.change, of.depth + 1);
    isChanged ||= changed !== element;
    if (changed === null) {
      of.isNullable();
      writer.int32(-1);
    } else {
      writer.int32(changed.length).bytes(changed);
    }
  }
  return isChanged;
}
