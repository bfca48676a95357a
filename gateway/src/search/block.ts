import type { Facts } from '../query/matches.ts';
import { specialFields } from '../query/query.ts';
import type { ColumnValue } from './column.ts';
import type { RowSet } from './row-set.ts';

/** The field of which every record has a value. */
const everyField = 'kind';
/** A block is full when its records have this many values together, which takes some ten megabytes of memory. */
export const valuesMax = 2_000_000;

/** Where the facts and the text of a record are kept: its retention class and the day on which they expire, as `CLASS/DAY`. Null: they are not added. */
export interface Buckets {
  readonly facts: string | null;
  readonly text: string | null;
}

/** A block of records, stored or still growing, for who only wants to know where they are. */
export interface PlacedRecords {
  /** The index in the log of the record of row 0. */
  readonly first: number;
  /** The index of the first record after the block. */
  readonly next: number;
  /** Returns where the record of a row is; undefined if there is none. */
  find(row: number): Whereabouts | undefined;
}

/** A stored block of records, as a search sees it. */
export interface Block extends PlacedRecords {
  /** The earliest and the latest time of its records, in ms since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Returns the rows with a value of the field that is wanted. */
  rowsWith(field: string, isWanted: (value: string) => boolean): RowSet;
  /** Returns the rows in whose text there is a word. */
  rowsWithWord(word: string): RowSet;
  /** Returns the values of a field that are wanted, and their rows. By default all are. */
  valuesOf(field: string, isWanted?: (value: string) => boolean): Iterable<ColumnValue>;
}

/** Where a record is. */
export interface Whereabouts {
  /** The place of its frame in the journal, as `SEGMENT/OFFSET/END`. */
  readonly place: string;
  /** The indexes in the log of the earlier records that must be read before it. */
  readonly needs: readonly number[];
}

/** Returns all rows of a block: rows may be missing where the journal is damaged. */
export function allRows(block: Block): RowSet {
  return block.rowsWith(everyField, () => true);
}

/** The rows that have each value of a field, in ascending order. Many values are in one row only, and a list for each would be garbage that lives long. */
export type GrowingColumn = Map<string, number | number[]>;

/** The newest records, which are not stored yet, in the form in which they are saved. */
export class GrowingBlock implements PlacedRecords {
  readonly first: number;
  /** By bucket and field. */
  readonly columns = new Map<string, Map<string, GrowingColumn>>();
  /** The words of the records' texts, by bucket. */
  readonly words = new Map<string, GrowingColumn>();
  /** Where the records are, by their rows. */
  readonly whereabouts: Whereabouts[] = [];
  /** How many values its records have together. */
  values = 0;
  next: number;
  firstMs = Infinity;
  lastMs = -Infinity;

  constructor(first: number) {
    this.first = first;
    this.next = first;
  }

  /** Adds a record. Records come in the order of the log. */
  add(index: number, { values, words, timeMs }: Facts, where: Whereabouts, buckets: Buckets): void {
    const row = index - this.first;
    this.next = index + 1;
    this.whereabouts[row] = where;
    this.firstMs = Math.min(this.firstMs, timeMs);
    this.lastMs = Math.max(this.lastMs, timeMs);
    if (buckets.facts !== null) {
      const columns = mapIn(this.columns, buckets.facts);
      for (const [field, of] of values) {
        const column = mapIn(columns, field);
        for (const value of of) {
          this.#note(column, value, row);
        }
      }
      this.#note(mapIn(columns, specialFields.time), String(timeMs), row);
    }
    if (buckets.text !== null) {
      const column = mapIn(this.words, buckets.text);
      for (const word of words) {
        this.#note(column, word, row);
      }
    }
  }

  find(row: number): Whereabouts | undefined {
    return this.whereabouts[row];
  }

  #note(column: GrowingColumn, value: string, row: number): void {
    const rows = column.get(value);
    if (rows === undefined) {
      column.set(ownText(value), row);
    } else if (typeof rows === 'number') {
      if (rows === row) {
        return;
      }
      column.set(value, [rows, row]);
    } else if (rows[rows.length - 1] === row) {
      return;
    } else {
      rows.push(row);
    }
    this.values += 1;
  }
}

/** Returns the map that another map has under a key, a new one if it has none. */
function mapIn<Value>(maps: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  const known = maps.get(key) ?? new Map<string, Value>();
  if (known.size === 0) {
    maps.set(key, known);
  }
  return known;
}

/** V8 keeps the whole text of which a string of at least so many characters was cut. */
const cutCharactersMin = 13;

/** Returns a text that keeps no other one in memory. */
function ownText(text: string): string {
  return text.length < cutCharactersMin ? text : Buffer.from(text).toString();
}
