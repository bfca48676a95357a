import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseQuery } from '../query/parse-query.ts';
import type { Recorder } from '../recording/recorder.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openMemorySqlite, openSqlite, type Sqlite } from '../store/sqlite.ts';
import { BlockStore, parseBucket } from './block-store.ts';
import { findRows } from './find-rows.ts';
import { RecordIndex } from './record-index.ts';
import { SearchedIndex } from './searched-index.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-search-'));
const { recorder, keys } = await openRecorder(data);
after(async () => {
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

type Track = ReturnType<Recorder['openSession']>;

function openIndex(database: Sqlite): SearchedIndex {
  const store = new BlockStore(database, { heads: keys.cacheKey(), ofBucket: (bucket) => keys.indexKey(parseBucket(bucket)) });
  return new SearchedIndex(
    () => store,
    new RecordIndex({ data, keys, store, findProtocol: () => undefined, recall: () => Promise.resolve(null), rowsMax: 100 }),
  );
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
