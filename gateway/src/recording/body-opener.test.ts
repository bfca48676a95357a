import assert from 'node:assert/strict';
import { randomBytes, createSecretKey } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyStore, type StoreFiles, type StoreReport } from '@countersign/ledger';
import { JournalOpener } from './body-opener.ts';
import { KeyStore } from './key-store.ts';
import { Keystream } from './keystream.ts';
import type { Recorder } from './recorder.ts';
import type { SessionTrack } from './batch.ts';
import { openRecorder } from './testdata/open-recorder.ts';
import { rootOf } from './testdata/root-of.ts';

const facts = JSON.stringify({ channel: 1, action: 'test.act' });

async function record(t: TestContext, act: (recorder: Recorder, track: SessionTrack) => void): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'countersign-bodies-'));
  t.after(() => {
    rmSync(data, { recursive: true, force: true });
  });
  const { recorder, keys } = await openRecorder(data);
  const track = recorder.openSession();
  act(recorder, track);
  recorder.closeSession(track, 'client');
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return data;
}

async function verify(data: string): Promise<StoreReport> {
  using bodies = new JournalOpener(() => KeyStore.openReadOnly(join(data, 'keys.db'), rootOf(data)));
  return verifyStore(filesOf(data), { bodies });
}

function filesOf(data: string): StoreFiles {
  const there = (path: string): ReturnType<typeof statSync> | undefined => statSync(join(data, path), { throwIfNoEntry: false });
  return {
    list: async (path) =>
      Promise.resolve(
        there(path) === undefined ? [] : readdirSync(join(data, path), { withFileTypes: true }).map((one) => (one.isDirectory() ? `${one.name}/` : one.name)),
      ),
    size: async (path) => Promise.resolve(there(path)?.isFile() === true ? Number(there(path)?.size) : undefined),
    read: async (path, offset, length) => Promise.resolve(readFileSync(join(data, path)).subarray(offset, offset + length)),
  };
}

test('T4.9: bodies of every size and encoding are opened and are what their leaves commit to', async (t) => {
  const repeated = randomBytes(20_000);
  const data = await record(t, (recorder, track) => {
    for (const content of [randomBytes(10), randomBytes(70_000), Buffer.alloc(70_000, 'again ')]) {
      recorder.append(track, { kind: 'request', meta: facts, content: [content] });
    }
    for (let i = 0; i < 3; i++) {
      recorder.append(track, { kind: 'request', meta: facts, content: [repeated, randomBytes(10)], repeats: true });
    }
  });
  const { verdict, counts, findings } = await verify(data);
  assert.equal(verdict, 'holds', JSON.stringify(findings));
  assert.deepEqual(counts.bodies, { opened: 12, erased: 0, mismatched: 0, unreadable: 0 });
});

test('T4.9: a body that does not match its leaf is reported with its place, and decides the verdict', async (t) => {
  const data = await record(t, (recorder, track) => {
    recorder.append(track, { kind: 'request', meta: facts, content: [Buffer.from('whole')] });
    // A faulty gateway would sign this body: it is sealed with a secret that is not the session's.
    const other = createSecretKey(randomBytes(32));
    const { sealing: own } = track;
    const { meta, content } = own?.current ?? assert.fail();
    Object.assign(track, {
      sealing: { fits: () => true, current: { meta: { ...meta, stream: new Keystream(other) }, content: { ...content, stream: new Keystream(other) } } },
    });
    recorder.append(track, { kind: 'request', meta: facts, content: [Buffer.from('spoiled')] });
    Object.assign(track, { sealing: own });
    recorder.append(track, { kind: 'request', meta: facts, content: [Buffer.from('whole again')] });
  });
  const without = await verifyStore(filesOf(data));
  assert.equal(without.verdict, 'holds', 'leaf, chain and signature are as they must be');
  const { verdict, counts, findings } = await verify(data);
  assert.equal(verdict, 'integrity');
  assert.deepEqual(counts.bodies, { opened: 4, erased: 0, mismatched: 2, unreadable: 0 });
  assert.equal(findings.length, 2);
  const places = new Set(findings.map(({ where }) => where));
  assert.equal(places.size, 1);
  assert.match(findings[0]?.where ?? '', /^leaf \d+$/);
  assert.match(findings[0]?.what ?? '', /not what it commits to/);
});
