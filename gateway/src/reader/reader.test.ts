import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { setEnvironmentData } from 'node:worker_threads';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { wholeSight } from '../access/rights.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { Reader } from './reader.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-reader-'));
const thread = pathToFileURL(join(import.meta.dirname, '../reader-thread.ts'));
let store: Awaited<ReturnType<typeof openRecorder>>;
let session = '';
const troubles: string[] = [];

function open(module: URL, options: { readonly seatMs?: number } = {}): Promise<Reader> {
  return Reader.open({
    ...options,
    data,
    thread: module,
    root: store.root,
    cacheKey: store.keys.cacheKey(),
    written: () => 100,
    onTrouble: (error) => troubles.push(String(error)),
    onDifference: (what) => troubles.push(what),
  });
}

before(async () => {
  store = await openRecorder(data);
  const { recorder } = store;
  const track = recorder.openSession();
  for (let i = 0; i < 500; i++) {
    recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0 }), content: [Buffer.from(`line ${i}`.repeat(100))] });
  }
  recorder.closeSession(track, 'client');
  session = track.id;
  await committed();
});
after(async () => {
  await store.recorder[Symbol.asyncDispose]();
  store.keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

function committed(): Promise<void> {
  return new Promise((resolve) => {
    store.recorder.whenCommitted('disk', resolve);
  });
}

test('answers come in pieces that end with a line, no more of them than are taken', async () => {
  await using reader = await open(thread);
  const found = await reader.find(session);
  const pieces: string[] = [];
  for await (const piece of reader.show(found)) {
    pieces.push(Buffer.from(piece).toString());
  }
  assert.ok(pieces.length > 5, `${pieces.length} pieces`);
  assert.ok(pieces.every((piece) => piece.endsWith('\n') && piece.length < 128 * 1024));
  assert.equal(pieces.join('').trimEnd().split('\n').length, found.records);
  for await (const piece of reader.show(found)) {
    assert.equal(Buffer.from(piece).toString(), pieces[0]);
    break;
  }
  await assert.rejects(reader.find('0'.repeat(32)), { code: 'not_found' });
});

test('the first line of a search does not wait for those after it', async () => {
  await using reader = await open(thread);
  const checkpoint = await store.recorder.publish();
  const wanted = { query: 'kind:request', besides: [], limit: 20, before: null, answer: 'records', sight: wholeSight, checkpoint } as const;
  let pieces: string[] = [];
  // The index may be behind.
  await waitUntil(async () => {
    pieces = [];
    for await (const piece of reader.search({ ...wanted, nowMs: Date.now() })) {
      pieces.push(Buffer.from(piece).toString());
    }
    return pieces.join('').includes('"behind":0');
  });
  assert.deepEqual([pieces[0]?.split('\n').length, pieces.join('').split('\n').length], [2, 22]);
});

test('who watches a session gets what comes, and leaves when the signal aborts', async () => {
  await using reader = await open(thread);
  const track = store.recorder.openSession();
  await committed();
  const leave = new AbortController();
  const watched = reader.watch(await reader.find(track.id), leave.signal);
  assert.match(String(Buffer.from((await watched.next()).value)), /"kind":"open"/);
  const next = watched.next();
  store.recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0 }), content: [Buffer.from('hello')] });
  assert.match(String(Buffer.from((await next).value)), /"kind":"request"/);
  const last = watched.next();
  leave.abort();
  assert.equal((await last).done, true);
});

test('T4.45: when a thread is lost its questions fail, the loss is reported, and it is started again', async () => {
  // It ends when it is asked for the receipt of record 7.
  const dies = join(data, 'dies.mjs');
  writeFileSync(
    dies,
    `import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ begin }) => { if (begin?.ask === 'receipt' && begin.index === 7) { throw new Error('lost on purpose'); } });
await import(${JSON.stringify(thread.href)});
`,
  );
  await using reader = await open(pathToFileURL(dies));
  await waitUntil(() => reader.state.isWhole);
  assert.deepEqual(reader.told('mcp'), []);
  assert.equal(reader.toldByGateway('somewhere', 'key'), null);
  const watched = reader.watch(await reader.find(session), new AbortController().signal);
  await watched.next();
  const checkpoint = { size: 1, note: '' };
  await assert.rejects(reader.receipt(7, checkpoint), { code: 'catching_up' });
  assert.match(troubles.join('\n'), /lost on purpose/);
  assert.equal(reader.told('mcp'), undefined, 'nothing is known until it is back');
  assert.equal((await reader.find(session)).session, session, 'a question waits for the next thread');
});

test('T4.45: so many answers are read at a time, others wait for their turn, and a short question waits for nobody', async () => {
  await using reader = await open(thread, { seatMs: 200 });
  const found = await reader.find(session);
  const slow = await Promise.all(
    Array.from({ length: 16 }, async () => {
      const answer = reader.show(found);
      await answer.next();
      return answer;
    }),
  );
  await assert.rejects(reader.show(found).next(), { code: 'throttled' });
  await assert.rejects(reader.list({ which: 'all' }).next(), { code: 'throttled' });
  assert.equal((await reader.find(session)).session, session);
  const waiting = reader.show(found).next();
  await slow[0]?.return(undefined);
  assert.equal((await waiting).done, false);
});

test('T4.45: a stop leaves no thread behind, also where a lost one is being started again', async () => {
  // It says when it begins, and ends when it is asked for a receipt.
  const counted = join(data, 'counted.mjs');
  const cells = new Int32Array(new SharedArrayBuffer(4));
  writeFileSync(
    counted,
    `import { parentPort, getEnvironmentData } from 'node:worker_threads';
Atomics.add(getEnvironmentData('countersign reader test'), 0, 1);
parentPort.on('message', ({ begin }) => { if (begin?.ask === 'receipt') { throw new Error('lost on purpose'); } });
await import(${JSON.stringify(thread.href)});
`,
  );
  setEnvironmentData('countersign reader test', cells);
  const reader = await open(pathToFileURL(counted));
  await assert.rejects(reader.receipt(7, { size: 1, note: '' }), { code: 'catching_up' });
  await waitUntil(() => Atomics.load(cells, 0) === 2);
  await reader[Symbol.asyncDispose]();
  await delay(1000);
  await assert.rejects(reader.find(session), { code: 'catching_up' }, 'no thread answers');
});

test('T4.45: who still waits for an answer at a stop is told that the gateway stops', async () => {
  // It stands still when it is asked for a receipt.
  const still = join(data, 'still.mjs');
  const cells = new Int32Array(new SharedArrayBuffer(8));
  writeFileSync(
    still,
    `import { parentPort, getEnvironmentData } from 'node:worker_threads';
const cells = getEnvironmentData('countersign reader test');
parentPort.on('message', ({ begin }) => { if (begin?.ask === 'receipt') { Atomics.store(cells, 0, 1); Atomics.wait(cells, 1, 0); } });
await import(${JSON.stringify(thread.href)});
`,
  );
  setEnvironmentData('countersign reader test', cells);
  const reader = await open(pathToFileURL(still));
  const asked = assert.rejects(reader.receipt(7, { size: 1, note: '' }), { code: 'stopping' });
  await waitUntil(() => Atomics.load(cells, 0) === 1);
  const stopped = reader[Symbol.asyncDispose]();
  await asked;
  Atomics.store(cells, 1, 1);
  Atomics.notify(cells, 1);
  await stopped;
});

const index = join(data, 'index.db');

/** Other bytes in the same file, behind the page that says what is in it. */
function damageInPlace(): void {
  const size = statSync(index).size;
  const file = openSync(index, 'r+');
  writeSync(file, Buffer.alloc(size, 0x5a), 0, size, 4096);
  closeSync(file);
}

const damages: Readonly<Record<string, () => void>> = {
  'is deleted': () => rmSync(index),
  'is emptied': () => writeFileSync(index, ''),
  'is overwritten': damageInPlace,
};
for (const [name, damage] of Object.entries(damages)) {
  test(`T4.45: an index that ${name} while it is in use is made again, and nothing is said of it meanwhile`, async () => {
    await (await open(thread))[Symbol.asyncDispose]();
    await using reader = await open(thread);
    await waitUntil(() => reader.state.isWhole);
    damage();
    for (let i = 0; i < 5; i++) {
      assert.ok((reader.toldByGateway('somewhere', 'key') ?? null) === null);
      await reader.find(session).catch(() => null);
      await delay(100);
    }
    await waitUntil(() => reader.state.isWhole);
    assert.equal(reader.toldByGateway('somewhere', 'key'), null);
    assert.equal((await reader.find(session)).session, session);
    await reader.rebuild();
    assert.equal((await reader.find(session)).session, session);
  });
  test(`T4.45: an index that ${name} while nobody uses it is made again at the start`, async () => {
    await (await open(thread))[Symbol.asyncDispose]();
    damage();
    await using reader = await open(thread);
    await waitUntil(() => reader.state.isWhole);
    assert.equal((await reader.find(session)).session, session);
  });
}

test('a store that cannot be opened fails the opening with its own error', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'countersign-reader-'));
  const parts = {
    data: empty,
    thread,
    root: store.root,
    cacheKey: store.keys.cacheKey(),
    written: () => 0,
    onTrouble: () => undefined,
    onDifference: () => undefined,
  };
  await assert.rejects(Reader.open(parts), { code: 'store_damaged' });
  rmSync(empty, { recursive: true });
});
