import assert from 'node:assert/strict';
import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { GatewayError } from '../domain/errors.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import type { ClassDay, KeyStore } from '../recording/key-store.ts';
import { unwrapBytes, wrapKey } from '../recording/wrapping.ts';
import type { Sqlite } from '../store/sqlite.ts';
import type { Block, GrowingBlock, GrowingColumn, Whereabouts } from './block.ts';
import { encodeColumn, joinColumns, readColumn, readEntries, splitColumns, type ColumnValue } from './column.ts';
import { RowSet } from './row-set.ts';
import { decodeWhereabouts, encodeWhereabouts, LocatedRows } from './whereabouts.ts';

/** The number of the layout of the tables below, and of what they say of a record. An index of another layout is made again. */
const layout = 7;
const tables = ['blocks', 'columns'] as const;
const schema = `
  CREATE TABLE IF NOT EXISTS blocks (block INTEGER PRIMARY KEY, head BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS columns (block INTEGER NOT NULL, field TEXT NOT NULL, bucket TEXT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (block, field, bucket)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
`;
/** Words are divided among so many columns by their tokens, so that a search reads little of them. */
const wordColumns = 64;
const tokenBytes = 6;
const idBytes = 8;
/** A block with fewer rows is taken into one that is saved after it and is not smaller, so that there are few blocks. */
export const youngRowsMin = 4096;
/** In a block of at most so many rows, the columns of a bucket are one part. Of a larger one, a search opens only the columns that it asks about. */
const joinedRowsMax = 1024;

/** The facts of a stored block. */
export interface BlockHead {
  /** A random name. What is in a block is bound to it. */
  readonly id: string;
  /** The index in the log of its first record, and of the first record after it. */
  readonly first: number;
  readonly next: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The number of values of its records. */
  readonly values: number;
  /** False: what comes later may be taken into it. Only the last blocks are not full. */
  readonly isFull: boolean;
  /** The place in the journal at which the next block begins, as `SEGMENT/OFFSET`, and the chain value there, in hex. */
  readonly end: string;
  readonly chain: string;
  /** The parts in which the columns are stored, as `FIELD BUCKET`: each column, or in a small block all columns of a bucket together. */
  readonly parts: readonly string[];
  /** True if the columns of a bucket are one part. */
  readonly isJoined: boolean;
  /** The buckets of which records were taken up again under the keys that keep them longer. */
  readonly moved: readonly string[];
  /** The buckets that are gone, and of which other keys keep some records; they are to be taken up again, from `lackingFrom` on, an index in the log. */
  readonly lacking: readonly string[];
  readonly lackingFrom: number;
}

/** A block that lacks records which other keys keep. */
interface LackingBlock {
  readonly block: Block;
  readonly head: BlockHead;
}

interface StoredBlock {
  readonly number: number;
  readonly head: BlockHead;
  /** The sealed parts of a block that is not full, by their names. Another block may take its place while somebody looks into it. */
  readonly young: ReadonlyMap<string, Uint8Array> | null;
}

/** The rows that have each value of a column, in ascending order. */
type ColumnEntries = Iterable<readonly [string, readonly number[]]>;

/** Encoded columns by bucket and field. */
type EncodedColumns = Generator<readonly [string, Iterable<readonly [string, Buffer]>]>;

interface SealedParts {
  readonly parts: Map<string, Uint8Array>;
  readonly gone: readonly string[];
}

/** Returns the key of a bucket; null: it was destroyed. */
type KeyOf = (bucket: string) => KeyObject | null;

/** The columns of a block that may be read, by their names, `FIELD BUCKET`. */
interface Columns {
  readonly names: readonly string[];
  /** Returns the content of a column; null if it is not there or may not be read any more. */
  readonly open: (name: string) => Buffer | null;
}

export interface BlockKeys {
  /** Seals what says which blocks and columns there are. */
  readonly heads: KeyObject;
  readonly ofBucket: KeyOf;
  /** Returns whether other keys keep something that the key of a bucket kept. */
  readonly isKeptOtherwise: (bucket: string) => boolean;
}

/** Returns the keys of the index of records of a store. */
export function blockKeysOf(keys: KeyStore): BlockKeys {
  return {
    heads: keys.cacheKey(),
    ofBucket: (bucket) => keys.indexKey(parseBucket(bucket)),
    isKeptOtherwise: (bucket) => keys.keepsOtherwise(parseBucket(bucket)),
  };
}

/**
 * The stored blocks of the index of records, the oldest first. Parts of full ones never change: some go when their keys do, and others come with what is kept longer. The last ones are taken
 * together as more comes. Each column is encrypted under a key that ends with the retention of what is in it, and is bound to its place; which blocks and columns there are is sealed too. So a changed or missing part is detected: every method that reads throws
 * `IndexDiffers` in that case. One writes; others may read the same file.
 */
export class BlockStore {
  readonly #database: Sqlite;
  readonly #keys: BlockKeys;
  readonly #blocks: StoredBlock[] = [];
  #version: unknown = null;
  /** How often parts of full blocks had come or gone when the blocks were read. */
  #changes = 0;

  /** The database of a reader is opened for reading only, and its tables must be there. */
  constructor(database: Sqlite, keys: BlockKeys, { isReader }: { readonly isReader: boolean } = { isReader: false }) {
    this.#database = database;
    this.#keys = keys;
    if (isReader) {
      return;
    }
    if (Number(database.get('PRAGMA user_version')?.['user_version']) !== layout) {
      database.exec([...tables.map((table) => `DROP TABLE IF EXISTS ${table};`), `PRAGMA user_version = ${layout};`].join(''));
    }
    database.exec(schema);
  }

  /** The heads of the blocks, after `open`. */
  get heads(): readonly BlockHead[] {
    return this.#blocks.map(({ head }) => head);
  }

  get last(): BlockHead | undefined {
    return this.#blocks.at(-1)?.head;
  }

  /** Returns the index of the first record that is in no full block, and how many values there are from it on, `growing` included. */
  unfinished(growing: GrowingBlock): { readonly first: number; readonly values: number } {
    let { first, values } = growing;
    for (let at = this.#blocks.length - 1; this.#blocks[at]?.head.isFull === false; at--) {
      first = this.#blocks[at]?.head.first ?? first;
      values += this.#blocks[at]?.head.values ?? 0;
    }
    return { first, values };
  }

  /** Reads which blocks there are. */
  open(): void {
    this.#blocks.length = 0;
    this.#version = null;
    this.refresh();
  }

  /** Reads what another writer of the file changed. */
  refresh(): void {
    const version = this.#database.get('PRAGMA data_version')?.['data_version'];
    if (version !== this.#version) {
      const firstYoung = this.#blocks.findIndex(({ head }) => !head.isFull);
      this.#database.snapshot(() => {
        const changes = Number(this.#database.get('SELECT count FROM changes')?.['count'] ?? 0);
        this.#readBlocks(changes === this.#changes ? Math.max(0, (firstYoung < 0 ? this.#blocks.length : firstYoung) - 1) : 0);
        this.#changes = changes;
      });
      this.#version = version;
    }
  }

  /** Reads the blocks from a number on. The first of them is one that is full and known; if another has its place, all are read. */
  #readBlocks(from: number): void {
    const known = this.#blocks.splice(from);
    const rows = this.#database.all('SELECT block, head FROM blocks WHERE block >= ? ORDER BY block', [from]);
    for (const row of rows) {
      const number = this.#blocks.length;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `save`, and sealed
      const head = JSON.parse(unsealed(this.#keys.heads, headPurpose(number), row['head']).toString()) as BlockHead;
      if (row['block'] !== number || head.first !== (this.last?.next ?? head.first)) {
        throw new IndexDiffers('blocks of the index of records are missing');
      }
      const before = known.find((block) => block.head.id === head.id);
      this.#blocks.push(
        isDeepStrictEqual(before?.head, head) && before !== undefined ? before : { number, head, young: head.isFull ? null : this.#sealedParts(number) },
      );
    }
    if (from > 0 && this.#blocks[from] !== known[0]) {
      this.#blocks.length = 0;
      this.#readBlocks(0);
    }
  }

  #sealedParts(number: number): ReadonlyMap<string, Uint8Array> {
    const rows = this.#database.all('SELECT field, bucket, bytes FROM columns WHERE block = ?', [number]);
    return new Map(rows.flatMap(({ field, bucket, bytes }) => (bytes instanceof Uint8Array ? [[columnName(String(field), String(bucket)), bytes]] : [])));
  }

  clear(): void {
    this.#database.transaction(() => {
      for (const table of tables) {
        this.#database.exec(`DELETE FROM ${table}`);
      }
    });
    this.#blocks.length = 0;
  }

  /** Removes the parts whose keys were destroyed. Nobody can read them any more. */
  dropErased(): void {
    const isErased = new Map<string, boolean>();
    const isKept = (part: string): boolean => {
      const { bucket } = parseColumnName(part);
      const known = isErased.get(bucket) ?? this.#keyOf(bucket) === null;
      isErased.set(bucket, known);
      return !known;
    };
    const known = new Map<string, boolean>();
    const isKeptOtherwise = (bucket: string): boolean => {
      const is = known.get(bucket) ?? this.#keys.isKeptOtherwise(bucket);
      known.set(bucket, is);
      return is;
    };
    for (const [at, { number, head, young }] of this.#blocks.entries()) {
      const kept = head.parts.filter(isKept);
      if (kept.length < head.parts.length) {
        const gone = head.parts.flatMap((part) => (isKept(part) ? [] : [parseColumnName(part).bucket]));
        const lost = this.#keptOtherwise([...gone, ...head.moved], isKeptOtherwise);
        const changed =
          lost.length === 0 ? { ...head, parts: kept } : { ...head, parts: kept, lacking: [...new Set([...head.lacking, ...lost])], lackingFrom: head.first };
        this.#database.transaction(() => {
          for (const part of head.parts) {
            const { field, bucket } = parseColumnName(part);
            if (!isKept(part)) {
              this.#database.run('DELETE FROM columns WHERE block = ? AND field = ? AND bucket = ?', [number, field, bucket]);
            }
          }
          this.#saveHead(number, changed);
          this.#noteChange();
        });
        this.#blocks[at] = { number, head: changed, young: young === null ? null : new Map([...young].filter(([part]) => isKept(part))) };
      }
    }
  }

  /** The oldest block that lacks records which other keys keep; null: none does. */
  get lacking(): LackingBlock | null {
    const found = this.#blocks.find(({ head }) => head.lacking.length > 0);
    return found === undefined ? null : { block: this.#look(found, this.#keyOf), head: found.head };
  }

  /**
   * Adds records to the block that lacks them, under the keys that keep them, all or nothing. `next` is the index in the log of the first record of the block that was not looked at. Nothing that
   * is there is changed, so who looks into the block goes on.
   */
  complete(kept: GrowingBlock, next: number): void {
    const at = this.#blocks.findIndex(({ head }) => head.first === kept.first);
    const found = this.#blocks[at];
    assert(found !== undefined, 'only a block that is there lacks something');
    const { number, head, young } = found;
    const { parts, gone } = this.#sealed(this.#encoded([], kept, head.first), { ...head, label: `/${1 + Math.max(0, ...head.parts.map(labelOf))}` });
    parts.delete(columnName(head.isJoined ? joinedField : whereField, allTimes));
    const moved = [...new Set([...head.moved, ...head.lacking])];
    const lost = gone.length === 0 ? [] : this.#keptOtherwise(moved);
    const isDone = next >= head.next && lost.length === 0;
    const changed: BlockHead = {
      ...head,
      values: head.values + kept.values,
      parts: [...head.parts, ...parts.keys()],
      moved,
      lacking: isDone ? [] : lost.length === 0 ? head.lacking : lost,
      lackingFrom: lost.length === 0 ? next : head.first,
    };
    this.#database.transaction(() => {
      this.#saveParts(number, parts);
      this.#saveHead(number, changed);
      this.#noteChange();
    });
    this.#blocks[at] = { number, head: changed, young: young === null ? null : new Map([...young, ...parts]) };
  }

  /** Returns those of some buckets of which other keys keep something. */
  #keptOtherwise(buckets: readonly string[], isKept = this.#keys.isKeptOtherwise): readonly string[] {
    return [...new Set(buckets)].filter(isKept);
  }

  #noteChange(): void {
    this.#database.run('INSERT INTO changes VALUES (1, 1) ON CONFLICT DO UPDATE SET count = count + 1');
    this.#changes += 1;
  }

  /** Removes the blocks with a record from an index of the log on. */
  dropFrom(index: number): void {
    const number = this.#blocks.findIndex(({ head }) => head.next > index);
    if (number >= 0) {
      this.#database.transaction(() => {
        for (const table of tables) {
          this.#database.run(`DELETE FROM ${table} WHERE block >= ?`, [number]);
        }
      });
      this.#blocks.splice(number);
    }
  }

  #saveHead(number: number, head: BlockHead): void {
    const sealed = wrapKey(this.#keys.heads, headPurpose(number), Buffer.from(JSON.stringify(head)));
    this.#database.run('INSERT OR REPLACE INTO blocks VALUES (?, ?)', [number, sealed]);
  }

  /**
   * Saves what has grown, all or nothing. Blocks before it that are not full are taken into its block: small ones, or all of them if it is then full.
   */
  save(growing: GrowingBlock, { end, chain, isFull }: Pick<BlockHead, 'end' | 'chain' | 'isFull'>): void {
    const number = this.#blocks.length - this.#takenInto(growing, isFull);
    const taken = this.#blocks.slice(number);
    const first = taken[0]?.head.first ?? growing.first;
    const id = randomBytes(idBytes).toString('hex');
    const isJoined = !isFull && growing.next - first <= joinedRowsMax;
    const { parts, gone } = this.#sealed(this.#encoded(taken, growing, first), { id, isJoined, label: '' });
    const heads = taken.map((block) => block.head);
    const moved = [...new Set(heads.flatMap((each) => each.moved))];
    const lacking = this.#keptOtherwise([...heads.flatMap((each) => each.lacking), ...(gone.length === 0 ? [] : [...gone, ...moved])]);
    const head: BlockHead = {
      id,
      first,
      next: growing.next,
      firstMs: Math.min(growing.firstMs, ...heads.map(({ firstMs }) => firstMs)),
      lastMs: Math.max(growing.lastMs, ...heads.map(({ lastMs }) => lastMs)),
      values: heads.reduce((sum, { values }) => sum + values, growing.values),
      isFull,
      end,
      chain,
      parts: [...parts.keys()],
      isJoined,
      moved,
      lacking,
      lackingFrom: first,
    };
    this.#database.transaction(() => {
      for (const table of tables) {
        this.#database.run(`DELETE FROM ${table} WHERE block >= ?`, [number]);
      }
      this.#saveParts(number, parts);
      this.#saveHead(number, head);
    });
    this.#blocks.splice(number, taken.length, { number, head, young: isFull ? null : parts });
  }

  #saveParts(number: number, parts: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, bytes] of parts) {
      const { field, bucket } = parseColumnName(name);
      this.#database.run('INSERT INTO columns VALUES (?, ?, ?, ?)', [number, field, bucket, bytes]);
    }
  }

  /** Seals encoded columns as the parts of a block. `gone`: the buckets whose keys were destroyed, of which there are none. `label` tells their buckets from those that the block has already. */
  #sealed(encoded: EncodedColumns, { id, isJoined, label }: Pick<BlockHead, 'id' | 'isJoined'> & { readonly label: string }): SealedParts {
    const parts = new Map<string, Uint8Array>();
    const gone: string[] = [];
    for (const [of, columns] of encoded) {
      const key = this.#keyOf(of);
      if (key === null) {
        gone.push(of);
        continue;
      }
      const bucket = of === allTimes ? of : `${of}${label}`;
      for (const [field, content] of isJoined ? [[joinedField, joinColumns(columns)] as const] : columns) {
        const packed = zstdCompressSync(content, { chunkSize: chunkFor(content.length) });
        parts.set(columnName(field, bucket), wrapKey(key, columnPurpose(field, id, bucket), packed));
      }
    }
    return { parts, gone };
  }

  /** Returns how many of the last blocks are taken into the block of what has grown. */
  #takenInto(growing: GrowingBlock, isFull: boolean): number {
    let rows = growing.next - growing.first;
    let count = 0;
    for (const { head } of this.#blocks.toReversed()) {
      const its = head.next - head.first;
      if (head.isFull || (!isFull && (its >= youngRowsMin || its > rows))) {
        break;
      }
      rows += its;
      count += 1;
    }
    return count;
  }

  /** Yields the columns of the blocks together, by bucket and field. Each is made when it is asked for: all of them take much memory. */
  *#encoded(taken: readonly StoredBlock[], growing: GrowingBlock, first: number): EncodedColumns {
    const known = taken.map((block) => ({ by: block.head.first - first, head: block.head, columns: this.#columnsOf(block, this.#keyOf) }));
    const grown = this.#columnsOfGrowing(growing);
    const where: (Whereabouts | undefined)[] = [];
    for (const { by, head, columns } of known) {
      const column = columns.open(columnName(whereField, allTimes));
      for (const [row, each] of column === null ? [] : decodeWhereabouts(column, head.first).entries()) {
        where[by + row] = each;
      }
    }
    for (const [row, each] of growing.whereabouts.entries()) {
      where[growing.first - first + row] = each;
    }
    yield [allTimes, [[whereField, encodeWhereabouts(where, first)]]];
    const buckets = new Map<string, Set<string>>();
    for (const name of [...known.flatMap(({ columns }) => columns.names), ...grown.keys()]) {
      const { field, bucket } = parseColumnName(name);
      if (field !== whereField) {
        buckets.set(bucket, (buckets.get(bucket) ?? new Set()).add(field));
      }
    }
    const encode = (name: string): Buffer => {
      const parts = known.map(({ by, columns }) => ({ by, entries: readEntries(columns.open(name) ?? Buffer.alloc(0)) }));
      return encodeColumn(together([...parts, { by: growing.first - first, entries: grown.get(name) ?? [] }]));
    };
    for (const [bucket, fields] of buckets) {
      yield [bucket, fields.values().map((field) => [field, encode(columnName(field, bucket))] as const)];
    }
  }

  #columnsOfGrowing(growing: GrowingBlock): ReadonlyMap<string, ColumnEntries> {
    const columns = new Map<string, ColumnEntries>();
    for (const [bucket, fields] of growing.columns) {
      for (const [field, values] of fields) {
        columns.set(columnName(field, bucket), asLists(values));
      }
    }
    for (const [bucket, words] of growing.words) {
      for (const [field, values] of this.#tokenColumns(bucket, asLists(words))) {
        columns.set(columnName(field, bucket), values);
      }
    }
    return columns;
  }

  /** Yields the blocks that there are now, the newest first. Who goes over them is given the key of each bucket once. */
  *blocks(): Generator<Block> {
    const known = new Map<string, KeyObject | null>();
    const keyOf: KeyOf = (bucket) => {
      const key = known.has(bucket) ? (known.get(bucket) ?? null) : this.#keyOf(bucket);
      known.set(bucket, key);
      return key;
    };
    for (const block of this.#blocks.toReversed()) {
      yield this.#look(block, keyOf);
    }
  }

  /** Returns the block that has a record of the log; null if none has it. */
  blockOf(index: number): Block | null {
    const block = this.#blocks.find(({ head }) => index < head.next);
    return block === undefined || index < block.head.first ? null : this.#look(block, this.#keyOf);
  }

  #look(block: StoredBlock, keyOf: KeyOf): Block {
    const { head } = block;
    // A search looks into a column of a block again and again; it is opened once.
    let columns: Columns | null = null;
    const opened = new Map<string, readonly Buffer[]>();
    let located: LocatedRows | null = null;
    const all = (): Columns => (columns ??= this.#columnsOf(block, keyOf));
    const column = (field: string): readonly Buffer[] => {
      const { names, open } = all();
      const known = opened.get(field) ?? names.flatMap((name) => (name.startsWith(`${field} `) ? (open(name) ?? []) : []));
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
        for (const bytes of column(field)) {
          for (const each of readColumn(bytes, isWanted)) {
            rows.addAll(each.rows);
          }
        }
        return rows;
      },
      rowsWithWord: (word) => this.#rowsWithWord(word, all(), keyOf),
      find: (row) => {
        const [where] = column(whereField);
        located ??= where === undefined ? null : new LocatedRows(where, head.first);
        return located?.find(row);
      },
      *valuesOf(field, isWanted = () => true): Generator<ColumnValue> {
        for (const bytes of column(field)) {
          yield* readColumn(bytes, isWanted);
        }
      },
    };
  }

  #rowsWithWord(word: string, { names, open }: Columns, keyOf: KeyOf): RowSet {
    const rows = new RowSet();
    const buckets = new Set(names.flatMap((name) => (name.startsWith(wordField) ? [parseColumnName(name).bucket] : [])));
    for (const bucket of buckets) {
      const key = keyOf(bucket);
      const token = key === null ? null : tokenOf(tokenKey(key), word);
      const column = token === null ? null : open(columnName(token.field, bucket));
      for (const each of column === null ? [] : readColumn(column, (value) => value === token?.text)) {
        rows.addAll(each.rows);
      }
    }
    return rows;
  }

  #columnsOf(block: StoredBlock, keyOf: KeyOf): Columns {
    const { parts, isJoined } = block.head;
    if (!isJoined) {
      return { names: parts, open: (name) => (parts.includes(name) ? this.#openPart(block, name, keyOf) : null) };
    }
    const columns = new Map<string, Buffer>();
    for (const part of parts) {
      const joined = this.#openPart(block, part, keyOf);
      for (const [field, column] of joined === null ? [] : splitColumns(joined)) {
        columns.set(columnName(field, parseColumnName(part).bucket), column);
      }
    }
    return { names: [...columns.keys()], open: (name) => columns.get(name) ?? null };
  }

  /** Returns the content of a part; null if it may not be read any more. */
  #openPart({ number, head, young }: StoredBlock, name: string, keyOf: KeyOf): Buffer | null {
    const { field, bucket } = parseColumnName(name);
    const key = keyOf(bucket);
    if (key === null) {
      return null;
    }
    const sealed =
      young === null
        ? this.#database.get('SELECT bytes FROM columns WHERE block = ? AND field = ? AND bucket = ?', [number, field, bucket])?.['bytes']
        : young.get(name);
    const packed = unsealed(key, columnPurpose(field, head.id, bucket), sealed);
    return zstdDecompressSync(packed, { chunkSize: chunkFor(packed.length * usualRatio) });
  }

  readonly #keyOf: KeyOf = (bucket) => (bucket === allTimes ? this.#keys.heads : this.#keys.ofBucket(bucket));

  /** The tokens that stand for words, in the columns among which they are divided. */
  #tokenColumns(bucket: string, words: ColumnEntries): Map<string, [string, readonly number[]][]> {
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

/** Columns are this many times as long as they are packed, or less. */
const usualRatio = 4;
const chunkBytesMin = 64;
const chunkBytesMax = 64 * 1024;

/** Returns the size of the buffers for a result of so many bytes. Node keeps the last of them until V8 collects the whole heap. */
function chunkFor(bytes: number): number {
  return Math.min(Math.max(bytes, chunkBytesMin), chunkBytesMax);
}

/** Prints a retention class and a day of expiry as the name of a bucket. */
export function printBucket({ class: classId, day }: ClassDay): string {
  return `${classId}/${day}`;
}

/** Reads the name of a bucket. A label after it, `CLASS/DAY/LABEL`, only tells parts of one block from one another. */
export function parseBucket(bucket: string): ClassDay {
  const [classId = 0, day = 0] = bucket.split('/').map(Number);
  return { class: classId, day };
}

/** The number that labels a part of what was taken up again; 0: it is none. */
function labelOf(part: string): number {
  return Number(parseColumnName(part).bucket.split('/')[2] ?? 0);
}

const wordField = 'text/';
/** The column that says where records are, which nobody can ask for. It has no content and is kept as long as the journal. */
const whereField = ':where';
const allTimes = 'journal';
/** Stands for all fields of a bucket. What it costs to compress, to seal and to write a part hardly depends on its size where that is small. */
const joinedField = ':all';

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

/** Neither part of the name of a column has a space before its bucket. */
function parseColumnName(name: string): { readonly field: string; readonly bucket: string } {
  const at = name.lastIndexOf(' ');
  return { field: name.slice(0, at), bucket: name.slice(at + 1) };
}

function columnPurpose(field: string, id: string, bucket: string): string {
  return `countersign/index/${id}/${bucket}/${field}`;
}

/** Yields the values of a column that has grown, once. */
function* asLists(column: GrowingColumn): Generator<readonly [string, readonly number[]]> {
  for (const [value, rows] of column) {
    yield [value, typeof rows === 'number' ? [rows] : rows];
  }
}

/** Takes columns together, whose rows are moved by a number each. */
function together(parts: readonly { readonly by: number; readonly entries: ColumnEntries }[]): ColumnEntries {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.by === 0) {
    return only.entries;
  }
  const all = new Map<string, number[]>();
  for (const { by, entries } of parts) {
    for (const [value, rows] of entries) {
      const known = all.get(value);
      if (known === undefined) {
        all.set(
          value,
          rows.map((row) => row + by),
        );
      } else {
        for (const row of rows) {
          known.push(row + by);
        }
      }
    }
  }
  return all;
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
