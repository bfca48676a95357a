import { blockRowsMax, RowSet, rowsOfSteps, stepBytes, stepsOf } from './row-set.ts';

/** A value that more rows have is written as a bitmap of all rows, because that is shorter. */
const listRowsMax = blockRowsMax / 16;
const bitmapBytes = blockRowsMax / 8;
const headBytes = 8;

/** A value of a column, and the rows that have it. */
export interface ColumnValue {
  readonly value: string;
  readonly rows: RowSet;
}

/** Encodes the values of a field in one block. The rows of each value are in ascending order, each once. */
export function encodeColumn(values: Iterable<readonly [string, readonly number[]]>): Buffer {
  const pieces: Uint8Array[] = [];
  for (const [value, rows] of values) {
    const text = Buffer.from(value);
    const head = Buffer.alloc(headBytes);
    head.writeUInt32LE(text.length);
    head.writeUInt32LE(rows.length, headBytes / 2);
    pieces.push(head, text, rows.length > listRowsMax ? bitmapOf(rows) : stepsOf(rows));
  }
  return Buffer.concat(pieces);
}

/** Yields the values of an encoded column that pass. Rows are only read of these. */
export function* readColumn(column: Buffer, isWanted: (value: string) => boolean): Generator<ColumnValue> {
  for (const { text, rows, count } of entriesOf(column)) {
    const value = text.toString();
    if (isWanted(value)) {
      yield { value, rows: rowsOf(rows, count) };
    }
  }
}

/** Yields the values of an encoded column, each with its rows in ascending order. */
export function* readEntries(column: Buffer): Generator<[string, number[]]> {
  for (const { text, rows, count } of entriesOf(column)) {
    yield [text.toString(), isBitmap(count) ? [...RowSet.ofBitmap(rows).newestFirst()].toReversed() : rowsOfSteps(rows)];
  }
}

/** Joins encoded columns, which are given by their fields. */
export function joinColumns(columns: Iterable<readonly [string, Buffer]>): Buffer {
  return Buffer.concat(
    [...columns].flatMap(([field, column]) => {
      const text = Buffer.from(field);
      const head = Buffer.alloc(headBytes);
      head.writeUInt32LE(text.length);
      head.writeUInt32LE(column.length, headBytes / 2);
      return [head, text, column];
    }),
  );
}

/** Yields what `joinColumns` joined. */
export function* splitColumns(joined: Buffer): Generator<readonly [string, Buffer]> {
  for (let at = 0; at < joined.length;) {
    const columnAt = at + headBytes + joined.readUInt32LE(at);
    const end = columnAt + joined.readUInt32LE(at + headBytes / 2);
    yield [joined.toString('utf8', at + headBytes, columnAt), joined.subarray(columnAt, end)];
    at = end;
  }
}

function* entriesOf(column: Buffer): Generator<{ readonly text: Buffer; readonly rows: Buffer; readonly count: number }> {
  for (let at = 0; at < column.length;) {
    const rowsAt = at + headBytes + column.readUInt32LE(at);
    const count = column.readUInt32LE(at + headBytes / 2);
    const end = rowsAt + (isBitmap(count) ? bitmapBytes : count * stepBytes);
    yield { text: column.subarray(at + headBytes, rowsAt), rows: column.subarray(rowsAt, end), count };
    at = end;
  }
}

function isBitmap(count: number): boolean {
  return count > listRowsMax;
}

function bitmapOf(rows: readonly number[]): Buffer {
  const bitmap = Buffer.alloc(bitmapBytes);
  for (const row of rows) {
    bitmap[row >>> 3] = (bitmap[row >>> 3] ?? 0) | (1 << (row & 7));
  }
  return bitmap;
}

function rowsOf(bytes: Buffer, count: number): RowSet {
  return isBitmap(count) ? RowSet.ofBitmap(bytes) : RowSet.ofSteps(bytes);
}
