import type { Facts } from '../query/matches.ts';
import { specialFields } from '../query/query.ts';
import type { ColumnValue } from './column.ts';
import { RowSet } from './row-set.ts';

/** The field of which every record has a value. */
const everyField = 'kind';
/** A block is full when its records have this many values together, which takes some ten megabytes of memory. */
export const valuesMax = 2_000_000;

/** Where the facts and the text of a record are kept: its retention class and the day on which they expire, as `CLASS/DAY`. */
export interface Buckets {
  readonly facts: string;
  readonly text: string;
}

/** A block of records, stored or still growing, as a search sees it. */
export interface Block {
  /** The index in the log of the record of row 0. */
  readonly first: number;
  /** The index of the first record after the block. */
  readonly next: number;
  /** The earliest and the latest time of its records, in ms since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Returns the rows with a value of the field that is wanted. */
  rowsWith(field: string, isWanted: (value: string) => boolean): RowSet;
  /** Returns the rows in whose text there is a word. */
  rowsWithWord(word: string): RowSet;
  /** Returns the values of a field that are wanted, and their rows. By default all are. */
  valuesOf(field: string, isWanted?: (value: string) => boolean): Iterable<ColumnValue>;
  /** Returns where the record of a row is; undefined if there is none. */
  find(row: number): Whereabouts | undefined;
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

type Rows = Map<string, number[]>;

/** The newest block, which is in memory until it is full. */
export class GrowingBlock implements Block {
  readonly first: number;
  /** By bucket and field. */
  readonly columns = new Map<string, Map<string, Rows>>();
  /** The words of the records' texts, by bucket. */
  readonly words = new Map<string, Rows>();
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
    const columns = entryOf(this.columns, buckets.facts, () => new Map<string, Rows>());
    const add = (field: string, of: readonly string[]): void => {
      const column = entryOf(columns, field, () => new Map<string, number[]>());
      for (const value of of) {
        this.#note(column, value, row);
      }
    };
    for (const [field, of] of values) {
      add(field, of);
    }
    add(specialFields.time, [String(timeMs)]);
    this.whereabouts[row] = where;
    this.firstMs = Math.min(this.firstMs, timeMs);
    this.lastMs = Math.max(this.lastMs, timeMs);
    const known = entryOf(this.words, buckets.text, () => new Map<string, number[]>());
    for (const word of words) {
      this.#note(known, word, row);
    }
  }

  rowsWith(field: string, isWanted: (value: string) => boolean): RowSet {
    const rows = new RowSet();
    for (const columns of this.columns.values()) {
      for (const [value, of] of columns.get(field) ?? []) {
        if (isWanted(value)) {
          addTo(rows, of);
        }
      }
    }
    return rows;
  }

  rowsWithWord(word: string): RowSet {
    const rows = new RowSet();
    for (const known of this.words.values()) {
      addTo(rows, known.get(word) ?? []);
    }
    return rows;
  }

  *valuesOf(field: string, isWanted: (value: string) => boolean = () => true): Generator<ColumnValue> {
    for (const columns of this.columns.values()) {
      for (const [value, of] of columns.get(field) ?? []) {
        if (isWanted(value)) {
          const rows = new RowSet();
          addTo(rows, of);
          yield { value, rows };
        }
      }
    }
  }

  find(row: number): Whereabouts | undefined {
    return this.whereabouts[row];
  }

  #note(column: Rows, value: string, row: number): void {
    const rows = column.get(value);
    if (rows === undefined) {
      column.set(ownText(value), [row]);
      this.values += 1;
    } else if (rows.at(-1) !== row) {
      rows.push(row);
      this.values += 1;
    }
  }
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) {
    return known;
  }
  const made = make();
  map.set(key, made);
  return made;
}

/** V8 keeps the whole text of which a string of at least so many characters was cut. */
const cutCharactersMin = 13;

/** Returns a text that keeps no other one in memory. */
function ownText(text: string): string {
  return text.length < cutCharactersMin ? text : Buffer.from(text).toString();
}

function addTo(rows: RowSet, of: readonly number[]): void {
  for (const row of of) {
    rows.add(row);
  }
}
