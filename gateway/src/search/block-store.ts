import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { GatewayError } from '../domain/errors.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import type { ClassDay } from '../recording/key-store.ts';
import { unwrapBytes, wrapKey } from '../recording/wrapping.ts';
import type { Sqlite } from '../store/sqlite.ts';
import type { Block, GrowingBlock, Whereabouts } from './block.ts';
import { encodeColumn, readColumn, type ColumnValue } from './column.ts';
import { RowSet } from './row-set.ts';
import { decodeWhereabouts, encodeWhereabouts } from './whereabouts.ts';

/** The number of the layout of the tables below. An index of another layout is made again. */
const layout = 1;
const tables = ['blocks', 'columns'] as const;
const schema = `
  CREATE TABLE IF NOT EXISTS blocks (block INTEGER PRIMARY KEY, head BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS columns (field TEXT NOT NULL, block INTEGER NOT NULL, bucket TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS columns_of_field ON columns (field, block, bucket);
`;
/** Words are divided among so many columns by their tokens, so that a search reads little of them. */
const wordColumns = 64;
const tokenBytes = 6;

/** The facts of a stored block. */
export interface BlockHead {
  /** The index in the log of its first record, and of the first record after it. */
  readonly first: number;
  readonly next: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The place in the journal at which the next block begins, as `SEGMENT/OFFSET`, and the chain value there, in hex. */
  readonly end: string;
  readonly chain: string;
  /** The place from which on there are all records of the sessions that were open there, and these sessions. */
  readonly resume: string;
  readonly open: readonly string[];
  /** The columns, as `FIELD BUCKET`. */
  readonly columns: readonly string[];
}

interface OpenedColumn {
  readonly bucket: string;
  readonly bytes: Buffer;
}

export interface BlockKeys {
  /** Seals what says which blocks and columns there are. */
  readonly heads: KeyObject;
  /** Returns the key of what is kept in a bucket; null: it was destroyed. */
  readonly ofBucket: (bucket: string) => KeyObject | null;
}

/**
 * The stored blocks of the index of records, the oldest first. They never change. Each column is encrypted under a key that ends with the retention of what is in it, and is bound to its
 * place; which blocks and columns there are is sealed too. So a changed or missing part is detected: every method that reads throws `IndexDiffers` in that case.
 */
export class BlockStore {
  readonly #database: Sqlite;
  readonly #keys: BlockKeys;
  readonly #heads: BlockHead[] = [];

  constructor(database: Sqlite, keys: BlockKeys) {
    this.#database = database;
    this.#keys = keys;
    if (Number(database.get('PRAGMA user_version')?.['user_version']) !== layout) {
      database.exec([...tables.map((table) => `DROP TABLE IF EXISTS ${table};`), `PRAGMA user_version = ${layout};`].join(''));
    }
    database.exec(schema);
  }

  /** The heads of the blocks, after `open`. */
  get heads(): readonly BlockHead[] {
    return this.#heads;
  }

  /** Reads which blocks there are. */
  open(): void {
    this.#heads.length = 0;
    for (const row of this.#database.iterate('SELECT block, head FROM blocks ORDER BY block')) {
      const number = this.#heads.length;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `save`, and sealed
      const head = JSON.parse(unsealed(this.#keys.heads, headPurpose(number), row['head']).toString()) as BlockHead;
      if (row['block'] !== number || head.first !== (this.#heads.at(-1)?.next ?? head.first)) {
        throw new IndexDiffers('blocks of the index of records are missing');
      }
      this.#heads.push(head);
    }
  }

  clear(): void {
    this.#database.transaction(() => {
      for (const table of tables) {
        this.#database.exec(`DELETE FROM ${table}`);
      }
    });
    this.#heads.length = 0;
  }

  /** Saves a block, all or nothing. */
  save(block: GrowingBlock, head: Omit<BlockHead, 'columns' | 'first' | 'firstMs' | 'lastMs'>): void {
    const number = this.#heads.length;
    const columns: string[] = [];
    const whole = { ...head, first: block.first, firstMs: block.firstMs, lastMs: block.lastMs, columns };
    this.#database.transaction(() => {
      const put = (field: string, bucket: string, content: Buffer): void => {
        const key = this.#keyOf(bucket);
        if (key !== null) {
          const bytes = wrapKey(key, columnPurpose(field, number, bucket), zstdCompressSync(content));
          this.#database.run('INSERT INTO columns VALUES (?, ?, ?, ?)', [field, number, bucket, bytes]);
          columns.push(columnName(field, bucket));
        }
      };
      put(whereField, allTimes, encodeWhereabouts(block.whereabouts, block.first));
      for (const [bucket, fields] of block.columns) {
        for (const [field, values] of fields) {
          put(field, bucket, encodeColumn(values));
        }
      }
      for (const [bucket, words] of block.words) {
        for (const [field, values] of this.#tokenColumns(bucket, words)) {
          put(field, bucket, encodeColumn(values));
        }
      }
      this.#database.run('INSERT INTO blocks VALUES (?, ?)', [number, wrapKey(this.#keys.heads, headPurpose(number), Buffer.from(JSON.stringify(whole)))]);
    });
    this.#heads.push(whole);
  }

  /** Returns a block by its number. */
  block(number: number): Block {
    const head = this.#heads[number];
    if (head === undefined) {
      throw new IndexDiffers('a block of the index of records is gone');
    }
    // A search looks into a column of a block again and again; it is opened once.
    const opened = new Map<string, readonly OpenedColumn[]>();
    let whereabouts: readonly (Whereabouts | undefined)[] | null = null;
    const column = (field: string): readonly OpenedColumn[] => {
      const known = opened.get(field) ?? this.#columnsOf(field, number, head);
      opened.set(field, known);
      return known;
    };
    return {
      first: head.first,
      next: head.next,
      firstMs: head.firstMs,
      lastMs: head.lastMs,
      rowsWith(field, isWanted) {
        const rows = new RowSet();
        for (const { bytes } of column(field)) {
          for (const each of readColumn(bytes, isWanted)) {
            rows.addAll(each.rows);
          }
        }
        return rows;
      },
      rowsWithWord: (word) => this.#rowsWithWord(word, number, head),
      find: (row) => {
        whereabouts ??= column(whereField).flatMap(({ bytes }) => decodeWhereabouts(bytes, head.first));
        return whereabouts[row];
      },
      *valuesOf(field, isWanted = () => true): Generator<ColumnValue> {
        for (const { bytes } of column(field)) {
          yield* readColumn(bytes, isWanted);
        }
      },
    };
  }

  #rowsWithWord(word: string, number: number, head: BlockHead): RowSet {
    const rows = new RowSet();
    const buckets = new Set(head.columns.flatMap((name) => (name.startsWith(wordField) ? [name.slice(name.indexOf(' ') + 1)] : [])));
    for (const bucket of buckets) {
      const key = this.#keys.ofBucket(bucket);
      const token = key === null ? null : tokenOf(tokenKey(key), word);
      for (const { bucket: of, bytes } of token === null ? [] : this.#columnsOf(token.field, number, head)) {
        for (const each of of === bucket ? readColumn(bytes, (value) => value === token?.text) : []) {
          rows.addAll(each.rows);
        }
      }
    }
    return rows;
  }

  /** Returns the columns of a field that are there and may still be read. */
  #columnsOf(field: string, number: number, { columns }: BlockHead): readonly OpenedColumn[] {
    const wanted = columns.flatMap((name) => (name.startsWith(`${field} `) ? [name.slice(field.length + 1)] : []));
    return wanted.flatMap((bucket) => {
      const key = this.#keyOf(bucket);
      if (key === null) {
        return [];
      }
      const row = this.#database.get('SELECT bytes FROM columns WHERE field = ? AND block = ? AND bucket = ?', [field, number, bucket]);
      const packed = unsealed(key, columnPurpose(field, number, bucket), row?.['bytes']);
      return [{ bucket, bytes: zstdDecompressSync(packed) }];
    });
  }

  #keyOf(bucket: string): KeyObject | null {
    return bucket === allTimes ? this.#keys.heads : this.#keys.ofBucket(bucket);
  }

  /** The tokens that stand for words, in the columns among which they are divided. */
  #tokenColumns(bucket: string, words: ReadonlyMap<string, readonly number[]>): Map<string, [string, readonly number[]][]> {
    const columns = new Map<string, [string, readonly number[]][]>();
    const key = this.#keys.ofBucket(bucket);
    if (key !== null) {
      const under = tokenKey(key);
      for (const [word, rows] of words) {
        const { field, text } = tokenOf(under, word);
        const column = columns.get(field) ?? [];
        columns.set(field, column);
        column.push([text, rows]);
      }
    }
    return columns;
  }
}

/** Prints a retention class and a day of expiry as the name of a bucket. */
export function printBucket({ class: classId, day }: ClassDay): string {
  return `${classId}/${day}`;
}

export function parseBucket(bucket: string): ClassDay {
  const [classId = 0, day = 0] = bucket.split('/').map(Number);
  return { class: classId, day };
}

const wordField = 'text/';
/** The column that says where records are, which nobody can ask for. It has no content and is kept as long as the journal. */
const whereField = ':where';
const allTimes = 'journal';

/** The token of a word: nobody without the key can tell which word it stands for. */
function tokenOf(key: KeyObject, word: string): { readonly field: string; readonly text: string } {
  const digest = createHmac('sha256', key).update(word).digest();
  return { field: `${wordField}${digest.readUInt8(tokenBytes) % wordColumns}`, text: digest.toString('base64url', 0, tokenBytes) };
}

function tokenKey(key: KeyObject): KeyObject {
  return createSecretKey(createHmac('sha256', key).update('countersign index words').digest());
}

function columnName(field: string, bucket: string): string {
  return `${field} ${bucket}`;
}

function columnPurpose(field: string, block: number, bucket: string): string {
  return `countersign/index/${block}/${bucket}/${field}`;
}

function headPurpose(block: number): string {
  return `countersign/index/${block}`;
}

function unsealed(key: KeyObject, purpose: string, sealed: unknown): Buffer {
  if (!(sealed instanceof Uint8Array)) {
    throw new IndexDiffers('a part of the index of records is missing');
  }
  try {
    return unwrapBytes(key, purpose, sealed);
  } catch (error) {
    throw error instanceof GatewayError ? new IndexDiffers('a part of the index of records was changed') : error;
  }
}
