import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { parseQuery } from '../query/parse-query.ts';
import type { Recorder } from '../recording/recorder.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openMemorySqlite, openSqlite, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import type { Block } from './block.ts';
import { blockKeysOf, BlockStore } from './block-store.ts';
import { findRows } from './find-rows.ts';
import type { ReadRecord } from './record-facts.ts';
import { RecordIndex, type RecordFollower } from './record-index.ts';
import { SearchedIndex } from './searched-index.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-search-'));
const { recorder, keys } = await openRecorder(data);
after(async () => {
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

type Track = ReturnType<Recorder['openSession']>;

const blockKeys = blockKeysOf(keys);

function openStore(database: Sqlite): BlockStore {
  return new BlockStore(database, blockKeys);
}

function makerOf(store: BlockStore, followers: readonly RecordFollower[] = []): RecordIndex {
  return new RecordIndex({ data, keys, store, findProtocol: () => undefined, recall: () => Promise.resolve(null), rowsMax: 100, followers });
}

function searched(store: BlockStore): SearchedIndex {
  return new SearchedIndex(() => store, makerOf(store));
}

function openIndex(database: Sqlite): SearchedIndex {
  return searched(openStore(database));
}

function openChannel(track: Track, principal: string): void {
  const opens = { principal, groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
  recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
}

function request(track: Track, effects: readonly string[]): void {
  recorder.append(track, {
    kind: 'request',
    meta: JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow', attributes: { 'countersign.effects': effects } }),
    content: [Buffer.from('text')],
  });
}

function committed(): Promise<void> {
  return new Promise((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
}

async function found(index: SearchedIndex, query: string): Promise<number[]> {
  await committed();
  await index.catchUp();
  return [...index.blocks()].flatMap((block) => [...findRows(parseQuery(query, Date.now()), block, 'most').newestFirst()].map((row) => block.first + row));
}

test('records are found by the facts of their channel and their own, in blocks that are full and in the one that grows', async () => {
  const file = join(data, 'records.db');
  const track = recorder.openSession();
  openChannel(track, 'ann');
  request(track, ['write']);
  const other = recorder.openSession();
  openChannel(other, 'bob');
  {
    using database = openSqlite(file, { journal: 'wal' });
    const index = openIndex(database);
    const [first] = await found(index, 'principal:ann effect:write');
    assert.ok(first !== undefined);
    // More than a block.
    for (let i = 0; i < 150; i++) {
      request(other, ['read']);
      if (i % 10 === 9) {
        await committed();
      }
    }
    request(track, ['destroy']);
    assert.equal((await found(index, 'principal:bob kind:request')).length, 150);
    assert.equal([...index.blocks()].length, 2);
    const [newest, ...rest] = await found(index, 'principal:ann kind:request');
    assert.deepEqual(rest, [first]);
    assert.ok(newest !== undefined && newest > first + 150);
  }
  // After a start, a session that was open when the block ended is known again.
  using database = openSqlite(file, { journal: 'wal' });
  const index = openIndex(database);
  assert.equal((await found(index, 'principal:ann effect:destroy')).length, 1);
  assert.equal((await found(index, 'principal:bob kind:request')).length, 150);
  request(track, ['execute']);
  assert.equal((await found(index, 'principal:ann effect:execute')).length, 1);
  recorder.closeSession(track, 'client');
  recorder.closeSession(other, 'client');

  const again = openIndex(openMemorySqlite());
  for (const query of ['principal:ann', 'kind:close', 'not principal:bob', 'effect:(destroy or execute)', '']) {
    assert.deepEqual(await found(again, query), await found(index, query), query);
  }
});

test('an index whose blocks were changed is made again at the next start', async () => {
  const database = openSqlite(join(data, 'records.db'), { journal: 'wal' });
  database.exec('UPDATE blocks SET head = zeroblob(200)');
  const index = openIndex(database);
  assert.equal((await found(index, 'principal:bob kind:request')).length, 150);
  database.close();
});

test('an index in which a block was changed that another one takes in is made again', async () => {
  using database = openMemorySqlite();
  await committed();
  await openIndex(database).catchUp();
  database.exec('UPDATE columns SET bytes = zeroblob(100)');
  const index = openIndex(database);
  const track = recorder.openSession();
  openChannel(track, 'gus');
  for (let i = 0; i < 120; i++) {
    request(track, ['read']);
    await committed();
  }
  await assert.rejects(index.catchUp(), { code: 'catching_up' });
  assert.equal((await found(index, 'principal:gus kind:request')).length, 120);
  assert.equal((await found(index, 'principal:bob kind:request')).length, 150);
  recorder.closeSession(track, 'client');
});

test('what was read is stored when somebody asks, in few blocks, and a start goes on behind it', async () => {
  using database = openMemorySqlite();
  const store = openStore(database);
  const index = searched(store);
  const track = recorder.openSession();
  openChannel(track, 'eve');
  for (let i = 0; i < 40; i++) {
    request(track, ['read']);
    assert.equal((await found(index, 'principal:eve kind:request')).length, i + 1);
  }
  assert.ok(store.heads.filter(({ isFull }) => !isFull).length < 8, 'small blocks are taken together');
  // The session goes on after a start: its channel is known from the records before.
  const again = searched(openStore(database));
  request(track, ['write']);
  assert.equal((await found(again, 'principal:eve effect:write')).length, 1);
  assert.equal((await found(again, 'principal:eve kind:request')).length, 41);
  recorder.closeSession(track, 'client');
});

test('who looks into a block that another one takes in goes on with it, and who looks again sees the other one', async () => {
  const file = join(data, 'shared.db');
  using writing = openSqlite(file, { journal: 'wal' });
  const maker = makerOf(openStore(writing));
  await committed();
  await maker.catchUp();
  using reading = openSqliteReadOnly(file);
  const seen = new SearchedIndex(() => new BlockStore(reading, blockKeys, { isReader: true }), maker);
  const count = (blocks: Iterable<Block>): number => [...blocks].reduce((sum, block) => sum + block.rowsWith('kind', () => true).count, 0);
  const before = count(seen.blocks());
  const blocks = [...seen.blocks()];
  const track = recorder.openSession();
  openChannel(track, 'fay');
  for (let i = 0; i < 150; i++) {
    request(track, ['read']);
    await committed();
  }
  await maker.catchUp();
  assert.equal(count(blocks), before);
  assert.equal(count(seen.blocks()), before + 152);
  // Made again by the other side, it is read again as a whole.
  await maker.rebuild();
  assert.equal(count(seen.blocks()), before + 152);
  recorder.closeSession(track, 'client');
});

test('who follows the record is shown each record once and in order, also those that the index had before', async () => {
  using database = openMemorySqlite();
  await committed();
  const shown: number[] = [];
  const follower = {
    next: 0,
    see(index: number, { facts }: ReadRecord, { leaf }: { readonly leaf: { readonly logIndex: number } }): void {
      assert.ok(facts.values.has('kind') && leaf.logIndex === index);
      shown.push(index);
      follower.next = index + 1;
    },
  };
  await makerOf(openStore(database)).catchUp();
  const upTo = async (): Promise<number[]> => {
    await makerOf(openStore(database), [follower]).catchUp();
    return Array.from({ length: recorder.size }, (_, index) => index);
  };
  assert.deepEqual(shown, []);
  const all = await upTo();
  assert.deepEqual(shown, all);
  // A follower that was stopped earlier than the index.
  follower.next = 17;
  shown.length = 0;
  await upTo();
  assert.deepEqual(shown, all.slice(17));
  // One that is ahead of an index that is made again.
  database.exec('DELETE FROM blocks');
  const track = recorder.openSession();
  recorder.closeSession(track, 'client');
  await committed();
  shown.length = 0;
  await upTo();
  assert.deepEqual(shown, [all.length, all.length + 1]);
});

test('an index that is newer than the journal, or of another one, is made again', async () => {
  using database = openMemorySqlite();
  await committed();
  await makerOf(openStore(database)).catchUp();
  const other = mkdtempSync(join(tmpdir(), 'countersign-search-'));
  const opened = await openRecorder(other);
  const store = new BlockStore(database, { ...blockKeysOf(opened.keys), heads: keys.cacheKey() });
  const parts = { data: other, keys: opened.keys, store, findProtocol: () => undefined, recall: () => Promise.resolve(null) };
  await new RecordIndex(parts).catchUp();
  assert.equal(store.last?.next, opened.recorder.size);
  await opened.recorder[Symbol.asyncDispose]();
  opened.keys[Symbol.dispose]();
  rmSync(other, { recursive: true });
});

test('who waits for the index does not wait for its rests, and it does not rest where it need not', async () => {
  const track = recorder.openSession();
  openChannel(track, 'eve');
  // Frames of their own, between which there may be a rest.
  for (let i = 0; i < 5000; i++) {
    request(track, ['read']);
    if (i % 250 === 0) {
      await committed();
    }
  }
  await committed();
  const rouses: readonly ((index: RecordIndex, work: () => void) => Promise<void>)[] = [
    async (index) => index.catchUp(),
    async (index, work) => {
      work();
      await waitUntil(() => index.size === recorder.size);
    },
  ];
  for (const rouse of rouses) {
    let restPerWork = 1_000_000;
    const store = openStore(openMemorySqlite());
    const index = new RecordIndex({ data, keys, store, findProtocol: () => undefined, recall: () => Promise.resolve(null), restPerWork: () => restPerWork });
    const leaving = new AbortController();
    const following = index.follow(leaving.signal, (error) => assert.fail(String(error)));
    let size = -1;
    while (size < index.size || size === 0) {
      ({ size } = index);
      await delay(500);
    }
    assert.ok(size < recorder.size, 'it rests');
    await rouse(index, () => {
      restPerWork = 0;
    });
    assert.equal(index.size, recorder.size);
    leaving.abort();
    await following;
  }
});

test('an index that could not be made again is made again by the next attempt', async () => {
  let isBroken = true;
  const broken: RecordFollower = {
    next: 0,
    see: () => {
      if (isBroken) {
        throw new Error('broken on purpose');
      }
    },
  };
  request(recorder.openSession(), ['read']);
  await committed();
  const index = makerOf(openStore(openMemorySqlite()), [broken]);
  await assert.rejects(index.rebuild(), /broken on purpose/);
  isBroken = false;
  await index.rebuild();
  assert.equal(index.size, recorder.size);
});
