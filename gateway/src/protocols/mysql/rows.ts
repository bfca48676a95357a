import { isText, isUnsigned, typeOf, type Column } from './column.ts';
import { lengthEncodedBytes, PayloadReader } from './payload.ts';
import { isLengthEncoded, readBinaryValue } from './values.ts';

/** Rows in the binary form begin with a zero byte, and with a bit for each column that says whether it is NULL. */
const nullBitsOffset = 2;
const sqlNull = Buffer.of(0xfb);
const maskedBytes = Buffer.alloc(0);

/** A row of a result. A cell is the text of a value; null is NULL. */
export interface Row {
  readonly cells: readonly (Buffer | null)[];
  /** Writes the row with other cells in place of its own. One that cannot be a value of its column becomes NULL. */
  readonly compose: (cells: readonly (Buffer | null)[]) => Buffer;
}

/** Reads a row in the text form. Throws GatewayError `malformed`. */
export function parseTextRow(payload: Buffer, columns: readonly Column[]): Row {
  const reader = new PayloadReader(payload);
  const cells = columns.map(() => reader.textValue());
  reader.finish();
  const compose = (changed: readonly (Buffer | null)[]): Buffer =>
    Buffer.concat(
      changed.map((cell, at) => {
        const column = columns[at];
        const fits = cell === null || cell === cells[at] || (column !== undefined && isText(column));
        return cell === null || !fits ? sqlNull : lengthEncodedBytes(cell);
      }),
    );
  return { cells, compose };
}

/** Reads a row in the binary form. Throws GatewayError `malformed`. */
export function parseBinaryRow(payload: Buffer, columns: readonly Column[]): Row {
  const reader = new PayloadReader(payload, 1);
  const nulls = reader.bytes(nullBytes(columns.length));
  const raw: Buffer[] = [];
  const cells = columns.map((column, at) => {
    if (isNull(nulls, at)) {
      raw.push(maskedBytes);
      return null;
    }
    const type = typeOf(column);
    const value = readBinaryValue(reader, type, isUnsigned(column));
    raw.push(isLengthEncoded(type) ? lengthEncodedBytes(value.raw) : value.raw);
    return value.text;
  });
  reader.finish();
  const compose = (changed: readonly (Buffer | null)[]): Buffer => {
    const bits = Buffer.from(nulls);
    const values = changed.map((cell, at) => {
      const column = columns[at];
      if (cell === cells[at]) {
        return raw[at] ?? maskedBytes;
      }
      if (cell === null || column === undefined || !isText(column)) {
        setNull(bits, at);
        return maskedBytes;
      }
      return lengthEncodedBytes(cell);
    });
    return Buffer.concat([payload.subarray(0, 1), bits, ...values]);
  };
  return { cells, compose };
}

function nullBytes(columns: number): number {
  return (columns + nullBitsOffset + 7) >> 3;
}

function isNull(bits: Buffer, column: number): boolean {
  const at = column + nullBitsOffset;
  return (((bits[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
}

function setNull(bits: Buffer, column: number): void {
  const at = column + nullBitsOffset;
  bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
}
