import assert from 'node:assert/strict';
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { IndexDiffers } from '../feed/row-seals.ts';
import { matches, type Facts } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { openMemorySqlite, openSqlite, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import { GrowingBlock, type Block } from './block.ts';
import { BlockStore, parseBucket, printBucket } from './block-store.ts';
import { findRows, isExact } from './find-rows.ts';

const destroyed = new Set<string>();

function keyOf(name: string): KeyObject {
  return createSecretKey(createHmac('sha256', 'test').update(name).digest());
}

/** The buckets of which other keys keep something. */
const keptOtherwise = new Set<string>();

function openStore(database: Sqlite, isReader = false): BlockStore {
  const ofBucket = (bucket: string): KeyObject | null => {
    const { class: number, day } = parseBucket(bucket);
    const name = bucket === 'journal' ? bucket : printBucket({ class: number, day });
    return destroyed.has(name) ? null : keyOf(name);
  };
  const store = new BlockStore(database, { heads: keyOf('heads'), ofBucket, isKeptOtherwise: (bucket) => keptOtherwise.has(bucket) }, { isReader });
  store.open();
  return store;
}

function save(store: BlockStore, block: GrowingBlock, isFull = true): Block {
  store.save(block, { end: '1/64', chain: '', isFull });
  const saved = store.blockOf(block.first);
  assert.ok(saved !== null);
  return saved;
}

/** A block of records, one for each facts, in the buckets of `bucketOf`. */
function growBlock(facts: readonly Facts[], first = 0, bucketOf: (row: number) => string = () => '1/20000'): GrowingBlock {
  const block = new GrowingBlock(first);
  for (const [row, each] of facts.entries()) {
    block.add(first + row, each, { place: `1/${row >> 2}/9`, needs: row === 0 ? [] : [first, first + row - 1] }, { facts: bucketOf(row), text: bucketOf(row) });
  }
  return block;
}

const values = ['a', 'b', 'ab', '1', '22', 'x.a', 'b=1'];
const words = ['red', 'green', 'blue'];
const fields = ['kind', 'model', 'table', 'software', 'rows'];
const facts = fc.record({
  timeMs: fc.integer({ min: 0, max: 20 }),
  values: fc
    .dictionary(fc.constantFrom(...fields.slice(1)), fc.uniqueArray(fc.constantFrom(...values), { maxLength: 3 }))
    .map((found) => new Map<string, readonly string[]>([['kind', ['request']], ...Object.entries(found)])),
  words: fc.array(fc.constantFrom(...words), { maxLength: 5 }),
});
const bound = fc.option(fc.record({ value: fc.integer({ min: 0, max: 25 }), isIn: fc.boolean() }));
const term = fc.oneof(
  fc.record({
    is: fc.constant('term' as const),
    field: fc.constantFrom(...fields),
    test: fc.oneof(
      fc.constantFrom(...values).map((value) => ({ by: 'equal' as const, value })),
      fc.array(fc.constantFrom('', 'a', 'b'), { minLength: 2, maxLength: 3 }).map((texts) => ({ by: 'like' as const, texts })),
      fc.record({ by: fc.constant('range' as const), least: bound, most: bound }),
    ),
  }),
  fc.record({ by: fc.constant('range' as const), least: bound, most: bound }).map((range) => ({ is: 'term' as const, field: 'time', test: range })),
  fc
    .array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 })
    .map((phrase) => ({ is: 'term' as const, field: 'text', test: { by: 'phrase' as const, words: phrase } })),
);
const query = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { depthSize: 'small' },
    term,
    fc.record({ is: fc.constantFrom('and' as const, 'or' as const), parts: fc.array(tie('query'), { minLength: 1, maxLength: 3 }) }),
    tie('query').map((part) => ({ is: 'not' as const, part })),
    fc.constant({ is: 'all' as const }),
  ),
})).query;

test('a stored block finds every record for which a query holds, and no other if it says so', () => {
  fc.assert(
    fc.property(fc.array(facts, { minLength: 1, maxLength: 20 }), query, (records, asked) => {
      using database = openMemorySqlite();
      using other = openMemorySqlite();
      const growing = growBlock(records, 7);
      const holding = records.flatMap((each, row) => (matches(asked, each) ? [row] : []));
      for (const block of [save(openStore(database), growing), save(openStore(other), growing, false)]) {
        const most = new Set(findRows(asked, block, 'most').newestFirst());
        const least = [...findRows(asked, block, 'least').newestFirst()];
        assert.ok(holding.every((row) => most.has(row)));
        assert.ok(least.every((row) => holding.includes(row)));
        if (isExact(asked)) {
          assert.deepEqual([...most], holding.toReversed());
        }
      }
    }),
    { numRuns: 300 },
  );
});

const some: readonly Facts[] = Array.from({ length: 6000 }, (_, row) => ({
  timeMs: row,
  values: new Map([
    ['kind', ['request']],
    ['session', [String(row % 5)]],
  ]),
  words: row === 4321 ? ['needle'] : ['hay'],
}));

test('values of many and of few rows are found again', () => {
  using database = openMemorySqlite();
  const block = save(openStore(database), growBlock(some));
  assert.equal(block.rowsWith('kind', () => true).count, 6000);
  assert.equal(block.rowsWith('session', (value) => value === '3').count, 1200);
  assert.deepEqual([...block.rowsWithWord('needle').newestFirst()], [4321]);
  assert.deepEqual(
    [...block.valuesOf('session')].map(({ value, rows }) => `${value} ${rows.count}`),
    ['0 1200', '1 1200', '2 1200', '3 1200', '4 1200'],
  );
});

test('each record is found where it is, also where rows are missing', () => {
  using database = openMemorySqlite();
  const block = new GrowingBlock(100);
  const rows = [0, 1, 2, 5, 6, 9];
  for (const row of rows) {
    const where = { place: `1/${row >> 1}/9`, needs: row === 6 ? [100, 105] : [] };
    block.add(100 + row, some[row] ?? assert.fail(), where, { facts: '1/20000', text: '1/20000' });
  }
  const stored = save(openStore(database), block);
  for (let row = 0; row < 12; row++) {
    assert.deepEqual(stored.find(row), block.find(row), `row ${row}`);
  }
});

test('the file holds no value and no word in clear', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-blocks-'));
  const database = openSqlite(join(directory, 'records.db'), { journal: 'truncate' });
  save(openStore(database), growBlock([{ timeMs: 1, values: new Map([['principal', ['ann@corp.example']]]), words: ['needle'] }]));
  database.close();
  const file = readFileSync(join(directory, 'records.db'));
  rmSync(directory, { recursive: true });
  assert.ok(file.includes('principal') && !file.includes('ann@corp') && !file.includes('needle'));
});

test('blocks that are taken together have what each of them had, and a start finds them', () => {
  using database = openMemorySqlite();
  const store = openStore(database);
  const seen = (blocks: Iterable<Block>): string[] =>
    [...blocks].flatMap((block) => {
      const rows = [...block.rowsWith('session', (value) => value === '3').newestFirst(), ...block.rowsWithWord('needle').newestFirst()];
      return rows.map((row) => `${block.first + row} ${block.find(row)?.place}`);
    });
  const grow = (first: number, next: number): GrowingBlock => {
    const block = new GrowingBlock(first);
    for (const [at, each] of some.slice(first, next).entries()) {
      block.add(first + at, each, { place: `1/${first + at}/9`, needs: [] }, { facts: '1/20000', text: '1/20001' });
    }
    return block;
  };
  let first = 0;
  // A large block, small ones of which some are taken together, and a full one that takes all.
  for (const [next, blocks] of [
    [4200, 1],
    [5200, 2],
    [5210, 3],
    [5230, 3],
    [5800, 3],
    [6000, 1],
  ] as const) {
    save(store, grow(first, next), next === 6000);
    assert.equal(store.heads.length, blocks, `${next}`);
    using other = openMemorySqlite();
    const alone = save(openStore(other), grow(0, next));
    for (const each of [store, openStore(database)]) {
      assert.deepEqual(seen(each.blocks()).toSorted(), seen([alone]).toSorted());
    }
    first = next;
  }
});

test('a part that is changed, missing, swapped or of another block is detected (E45)', () => {
  const changesOf = (part: string, other: string): readonly string[] => [
    `UPDATE columns SET bytes = zeroblob(100) WHERE field = '${part}' AND block = 1`,
    `DELETE FROM columns WHERE field = '${part}' AND block = 1`,
    `UPDATE columns SET bytes = (SELECT bytes FROM columns WHERE field = '${part}' AND block = 0) WHERE field = '${part}' AND block = 1`,
    `UPDATE columns SET bytes = (SELECT bytes FROM columns WHERE ${other} AND block = 1) WHERE field = '${part}' AND block = 1`,
    'DELETE FROM blocks WHERE block = 0',
    'UPDATE blocks SET head = (SELECT head FROM blocks WHERE block = 0) WHERE block = 1',
    'UPDATE blocks SET head = zeroblob(100) WHERE block = 1',
  ];
  for (const { isFull, changes } of [
    { isFull: true, changes: changesOf('kind', "field = 'session'") },
    { isFull: false, changes: changesOf(':all', "bucket = 'journal'") },
  ]) {
    for (const change of changes) {
      using database = openMemorySqlite();
      const first = openStore(database);
      save(first, growBlock(some.slice(0, 15)), isFull);
      save(first, growBlock(some.slice(15, 25), 15), isFull);
      assert.equal([...(first.blockOf(15)?.valuesOf('kind') ?? [])].length, 1);
      database.exec(change);
      assert.throws(() => [...(openStore(database).blockOf(15)?.valuesOf('kind') ?? [])], IndexDiffers, change);
    }
  }
});

test('a save that fails leaves the stored blocks as they are', () => {
  using database = openMemorySqlite();
  save(openStore(database), growBlock(some.slice(0, 10)), false);
  database.exec('UPDATE columns SET bytes = zeroblob(100)');
  const store = openStore(database);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => save(store, growBlock(some.slice(10, 30), 10), false), IndexDiffers);
    assert.equal(store.last?.next, 10);
  }
});

test('once the key of a bucket is destroyed, nothing that was kept there is found or taken into another block, and the rest is', () => {
  for (const isFull of [true, false]) {
    using database = openMemorySqlite();
    const store = openStore(database);
    const blocks = (): readonly Block[] => [...store.blocks()];
    const hay = (): number => blocks().reduce((sum, block) => sum + block.rowsWithWord('hay').count, 0);
    save(
      store,
      growBlock(some.slice(0, 10), 0, (row) => (row < 5 ? '1/20000' : '1/20001')),
      isFull,
    );
    assert.equal(hay(), 10);
    destroyed.add('1/20000');
    try {
      assert.equal(hay(), 5);
      assert.deepEqual(
        blocks().flatMap((block) => [...block.rowsWith('kind', () => true).newestFirst()]),
        [9, 8, 7, 6, 5],
      );
      save(
        store,
        growBlock(some.slice(10, 30), 10, () => '1/20001'),
        isFull,
      );
    } finally {
      destroyed.clear();
    }
    assert.equal(blocks().length, isFull ? 2 : 1);
    assert.equal(hay(), isFull ? 30 : 25);
  }
});

test('what other keys keep of a bucket is added to the blocks that lack it, in steps, and who reads the file finds it without being disturbed', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-blocks-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
    destroyed.clear();
    keptOtherwise.clear();
  });
  const file = join(directory, 'records.db');
  using database = openSqlite(file, { journal: 'wal' });
  const store = openStore(database);
  const gone = '1/20000';
  for (const first of [0, 20, 40]) {
    save(
      store,
      growBlock(some.slice(first, first + 20), first, (row) => (row % 2 === 0 ? gone : '1/20005')),
    );
  }
  using readOnly = openSqliteReadOnly(file);
  const reader = openStore(readOnly, true);
  const rowsOf = (block: Block): string => {
    const [byFact, byWord] = [[...block.rowsWith('kind', () => true).newestFirst()], [...block.rowsWithWord('hay').newestFirst()]];
    assert.deepEqual(byFact, byWord);
    return byFact.toReversed().join(' ');
  };
  const odd = '1 3 5 7 9 11 13 15 17 19';
  const [newest] = reader.blocks();
  assert.ok(newest !== undefined);
  destroyed.add(gone);
  keptOtherwise.add(gone);
  store.dropErased();
  assert.equal(rowsOf(newest), odd);
  const keep = (first: number, rows: readonly number[], next: number, under: string): void => {
    const kept = new GrowingBlock(first);
    for (const row of rows) {
      kept.add(first + row, some[first + row] ?? assert.fail(), { place: '1/0/9', needs: [] }, { facts: under, text: under });
    }
    store.complete(kept, next);
  };
  const lacking = (): readonly unknown[] => store.heads.map((head) => [head.lacking, head.lackingFrom]);
  assert.equal(store.lacking?.head.first, 0);
  keep(0, [4], 10, '2/20100');
  assert.deepEqual([store.lacking?.head.first, store.lacking?.head.lackingFrom], [0, 10], 'the rest of the block comes later');
  assert.deepEqual(openStore(database).heads, store.heads, 'a start goes on there');
  keep(0, [14], 20, '3/20200');
  keep(20, [], 40, gone);
  keep(40, [6], 60, '2/20100');
  assert.equal(store.lacking, null);
  assert.equal(rowsOf(newest), odd, 'who looked into it before sees it as it was');
  reader.refresh();
  const seen = (): readonly string[] => [...reader.blocks()].map(rowsOf).toReversed();
  assert.deepEqual(seen(), ['1 3 4 5 7 9 11 13 14 15 17 19', odd, '1 3 5 6 7 9 11 13 15 17 19']);
  // Where a key ends that had taken others' place, what is still kept is to be taken up again.
  destroyed.add('2/20100');
  store.dropErased();
  assert.deepEqual(lacking(), [
    [[gone], 0],
    [[], 40],
    [[gone], 40],
  ]);
  keep(0, [4], 20, '2/20100');
  assert.deepEqual(
    lacking(),
    [
      [[gone], 0],
      [[], 40],
      [[gone], 40],
    ],
    'what was to be added under a key that is gone by then is looked for again',
  );
  keep(0, [4], 20, '3/20200');
  keep(40, [], 60, gone);
  reader.refresh();
  assert.deepEqual(seen(), ['1 3 4 5 7 9 11 13 14 15 17 19', odd, odd]);
  // In the end only a block changes that is not the last.
  destroyed.add('3/20200');
  store.dropErased();
  keep(0, [4], 20, '4/20300');
  reader.refresh();
  assert.deepEqual(seen(), ['1 3 4 5 7 9 11 13 15 17 19', odd, odd]);
  assert.deepEqual(
    openStore(database).heads.map(({ lacking: left }) => left),
    [[], [], []],
  );
});
