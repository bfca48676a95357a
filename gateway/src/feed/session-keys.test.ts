import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openMemorySqlite } from '../store/sqlite.ts';
import { Follower } from './follower.ts';
import { SessionIndex } from './session-index.ts';
import { sessionKeys } from './session-keys.ts';

test('a session has its key as soon as it is recorded, though nobody has looked for it yet', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-session-keys-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  const { recorder, keys } = await openRecorder(data);
  const index = new SessionIndex(openMemorySqlite(), keys.cacheKey());
  const follower = await Follower.open(data, keys, index, assert.ifError);
  const keyOf = sessionKeys(follower, index);
  await follower.catchUp();
  const session = recorder.openSession();
  recorder.append(session, { kind: 'request', meta: JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow' }), content: [] });
  const { promise: committed, resolve } = Promise.withResolvers<void>();
  recorder.whenCommitted('disk', resolve);
  await committed;
  assert.equal(follower.findLive(session.id), null);
  assert.notEqual(await keyOf(session.id), null);
  assert.equal(await keyOf('0'.repeat(32)), null);
  await follower[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
});
