import { lengthEncoded, lengthEncodedBytes, PayloadReader } from './payload.ts';

/** Bytes behind the texts of a column: charset, length, type, flags, decimals, and two that say nothing. */
const fixedBytes = 12;
const unsignedFlag = 0x20;
/** The charset of bytes that are no text. */
const binaryCharset = 63;

/** The numbers of types. https://mariadb.com/kb/en/result-set-packets/#field-types */
export const types = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longLong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  bit: 16,
  newDecimal: 246,
} as const;
const textTypes: ReadonlySet<number> = new Set([15, 245, 247, 248, 249, 250, 251, 252, 253, 254]);

/** A column of a result, as the target describes it. */
export interface Column {
  readonly catalog: Buffer;
  readonly schema: Buffer;
  readonly table: Buffer;
  readonly originalTable: Buffer;
  readonly name: Buffer;
  /** The name that the column has in its table. Empty: its values come from an expression. */
  readonly originalName: Buffer;
  /** Charset, length, type, flags and decimals as they came. */
  readonly fixed: Buffer;
  /** The default of a column of a table. Null: it is NULL. Absent: the answer has none. */
  readonly default?: Buffer | null;
}

/** Reads a column. Throws GatewayError `malformed`. */
export function parseColumn(payload: Buffer, hasDefault = false): Column {
  const reader = new PayloadReader(payload);
  const [catalog, schema, table] = [reader.lengthEncodedBytes(), reader.lengthEncodedBytes(), reader.lengthEncodedBytes()];
  const [originalTable, name, originalName] = [reader.lengthEncodedBytes(), reader.lengthEncodedBytes(), reader.lengthEncodedBytes()];
  const fixed = reader.bytes(reader.lengthEncoded() === fixedBytes ? fixedBytes : Infinity);
  const column = { catalog, schema, table, originalTable, name, originalName, fixed };
  const more = hasDefault && reader.left > 0 ? { ...column, default: reader.textValue() } : column;
  reader.finish();
  return more;
}

/** Writes a column. */
export function composeColumn(column: Column): Buffer {
  const { catalog, schema, table, originalTable, name, originalName, fixed, default: value } = column;
  return Buffer.concat([
    ...[catalog, schema, table, originalTable, name, originalName].map(lengthEncodedBytes),
    lengthEncoded(fixedBytes),
    fixed,
    ...(value === undefined ? [] : [value === null ? Buffer.of(0xfb) : lengthEncodedBytes(value)]),
  ]);
}

export function typeOf({ fixed }: Column): number {
  return fixed.readUInt8(6);
}

export function isUnsigned({ fixed }: Column): boolean {
  return (fixed.readUInt16LE(7) & unsignedFlag) !== 0;
}

/** True if the values are texts, so that any text can be one. */
export function isText(column: Column): boolean {
  return textTypes.has(typeOf(column));
}

/** True if the values are bytes and no texts. */
export function isBinary(column: Column): boolean {
  return isText(column) && column.fixed.readUInt16LE(0) === binaryCharset;
}
