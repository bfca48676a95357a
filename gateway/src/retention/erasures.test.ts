import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { journalStart } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { readEntries, SessionOpener } from '../recording/session-reader.ts';
import { openSqliteReadOnly } from '../store/sqlite.ts';
import { plantRemains } from '../store/testdata/plant-remains.ts';
import { Erasures } from './erasures.ts';
import { oldKey, openErasures, recordSession } from './testdata/open-erasures.ts';

/** Facts are kept for 400 days in these tests, contents for 90. */
const agoDays = 401;

function makeDirectory(t: TestContext): string {
  const data = mkdtempSync(join(tmpdir(), 'countersign-erasures-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  return data;
}

/** Makes a store with a session of long ago; returns its id. */
async function makeOld(data: string, ago = agoDays): Promise<string> {
  const { recorder, keys } = await openErasures(data, ago);
  const session = recordSession(recorder, 'the old secret');
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return session;
}

/** Whether the facts and the content of the request of a session can be read. */
async function readable(data: string, keys: KeyStore, session: string): Promise<{ readonly facts: boolean; readonly content: boolean }> {
  const opener = new SessionOpener(keys);
  for await (const raw of readEntries(data, session, { from: journalStart })) {
    const { kind, meta, content } = opener.open(raw);
    if (kind === 'request') {
      return { facts: meta !== null, content: content !== null };
    }
  }
  throw new Error('the session has no request');
}

/** Asserts that the store holds, and that what is to be gone is gone unless nothing of it was erased. */
async function assertHolds(data: string, isErased = true): Promise<void> {
  using keyRows = openKeyRows(join(data, 'keys.db'));
  const { verdict, findings } = await verifyStore(openStoreFiles(data), { keyRows, ...(isErased ? { retentionAtMs: Date.now() } : {}) });
  assert.deepEqual({ verdict, findings }, { verdict: 'holds', findings: [] });
}

/** Returns the wrapped keys that a query finds in the key store. */
function wrappedIn(data: string, query: string): readonly Uint8Array[] {
  using database = openSqliteReadOnly(join(data, 'keys.db'));
  const found = database.all(query).map(({ wrapped }) => wrapped);
  assert.ok(found.length > 0);
  return found.filter((wrapped) => wrapped instanceof Uint8Array);
}

/** Returns the files below a directory that have these bytes. */
function filesWith(data: string, bytes: Uint8Array): string[] {
  return readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(data, name)).isFile() && readFileSync(join(data, name)).includes(bytes),
  );
}

for (const [what, step] of ['keys', 'secrets'].flatMap((each) =>
  ['announced', 'confirmed', 'destroyed', 'overwritten', 'forgotten', 'completed'].map((one) => [each, one] as const),
)) {
  test(`a process that is killed when an erasure of ${what} is ${step} leaves all or nothing of it, and the next start completes it`, async (t) => {
    const data = makeDirectory(t);
    const session = await makeOld(data, what === 'keys' ? agoDays : 0);
    const doomed = wrappedIn(data, what === 'keys' ? 'SELECT wrapped FROM class_key' : `SELECT content AS wrapped FROM session_secrets WHERE id = ${oldKey}`);
    // SQLite may have moved one of them before.
    assert.ok(plantRemains(join(data, 'keys.db'), doomed[0] ?? Buffer.alloc(0)) > 0);
    const died = spawnSync(process.execPath, [join(import.meta.dirname, 'testdata', 'erase-and-die.ts'), data, step, what], { encoding: 'utf8' });
    assert.equal(died.signal, 'SIGKILL', died.stderr);
    const { recorder, keys, erasures } = await openErasures(data);
    // The records of the last turn were not written.
    const isErased = step !== 'announced';
    assert.equal(recorder.erasures.length > 0, isErased);
    await erasures.resume();
    assert.equal(recorder.erasures.length, 0);
    assert.deepEqual(await readable(data, keys, session), { facts: !isErased, content: !isErased });
    for (const bytes of doomed) {
      assert.deepEqual(filesWith(data, bytes), isErased ? [] : ['keys.db']);
    }
    await assertHolds(data, isErased);
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    await assertHolds(data, isErased);
  });
}

test('contents that expired are gone, and facts that did not are there; the bytes of the key are in no file', async (t) => {
  const data = makeDirectory(t);
  const session = await makeOld(data, 91);
  const { recorder, keys, erasures } = await openErasures(data);
  const fresh = recordSession(recorder, 'the new secret');
  const [expired] = keys.classDays();
  assert.ok(expired !== undefined);
  const [wrapped] = wrappedIn(data, `SELECT wrapped FROM class_key WHERE class = ${expired.class} AND day = ${expired.day}`);
  assert.ok(wrapped !== undefined);
  assert.deepEqual(filesWith(data, wrapped), ['keys.db']);
  assert.deepEqual(await erasures.erase({ cause: 'expired', keys: [expired, expired, { class: 9, day: 9 }], secrets: [], why: { by: 'ann' } }), {
    keys: [expired],
    kept: [],
  });
  assert.deepEqual(filesWith(data, wrapped), []);
  assert.deepEqual(await readable(data, keys, session), { facts: true, content: false });
  assert.deepEqual(await readable(data, keys, fresh), { facts: true, content: true });
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  await assertHolds(data);
});

test('nothing is destroyed before the checkpoint over the intent is vouched for, and later starts know of it', async (t) => {
  const data = makeDirectory(t);
  const session = await makeOld(data);
  {
    await using opened = new AsyncDisposableStack();
    const { recorder, keys } = await openErasures(data);
    opened.use(keys);
    opened.use(recorder);
    const erasures = new Erasures({ recorder, keys, forget: () => Promise.resolve(), confirm: () => Promise.reject(new Error('no witness answers')) });
    const before = keys.classDays();
    await assert.rejects(erasures.erase({ cause: 'expired', keys: before.slice(0, 2), secrets: [], why: {} }), /no witness answers/);
    assert.deepEqual(keys.classDays(), before);
    assert.deepEqual(await readable(data, keys, session), { facts: true, content: true });
  }
  for (const isLast of [false, false, true]) {
    await using opened = new AsyncDisposableStack();
    const { recorder, keys, erasures } = await openErasures(data);
    opened.use(keys);
    opened.use(recorder);
    assert.equal(recorder.erasures.length, 1);
    if (isLast) {
      await erasures.resume();
      assert.deepEqual(await readable(data, keys, session), { facts: false, content: false });
    }
  }
  await assertHolds(data);
});
