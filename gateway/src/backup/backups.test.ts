import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { openErasures, recordSession } from '../retention/testdata/open-erasures.ts';
import { Backups, requireApart } from './backups.ts';

test('a backup that is made while something is erased has the keys, or the records that say why they are gone', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-backups-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const [data, out] = [join(directory, 'data'), join(directory, 'out')];
  mkdirSync(data);
  const { recorder, keys, erasures } = await openErasures(data);
  recordSession(recorder, 'said');
  await recorder.publish();
  let erased: Promise<unknown> = Promise.resolve();
  const backups = new Backups({
    data,
    gateway: keys.gatewayId ?? '',
    copyKeys: async (file, size) => {
      // In the moment between the checkpoint and the copy of the keys somebody erases all of them. That must wait.
      erased = erasures.erase({ cause: 'erased', keys: keys.classDays(), secrets: [], why: {} });
      await Promise.race([erased, delay(200)]);
      await keys.copyTo(file, size);
    },
    identityFile: null,
    configured: () => ({ files: [], named: [] }),
    checkpoint: async () => recorder.publish(),
    whileKeysStay: async (act) => erasures.between(act),
    now: Date.now,
  });
  await backups.make({ out, recipients: [] }, new AbortController().signal);
  await erased;
  assert.deepEqual(keys.classDays(), []);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  for (const store of [data, out]) {
    using keyRows = openKeyRows(join(store, 'keys.db'));
    const { findings } = await verifyStore(openStoreFiles(store), { keyRows, retentionAtMs: Date.now() });
    assert.deepEqual(findings, [], store);
  }
});

test('of two backups that are asked for at once one is made, and the other is told', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-backups-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const data = join(directory, 'data');
  mkdirSync(data);
  const { recorder, keys } = await openErasures(data);
  await using opened = new AsyncDisposableStack();
  opened.use(keys);
  opened.use(recorder);
  const backups = new Backups({
    data,
    gateway: keys.gatewayId ?? '',
    copyKeys: async (file, size) => keys.copyTo(file, size),
    identityFile: null,
    configured: () => ({ files: [], named: [] }),
    checkpoint: async () => recorder.publish(),
    whileKeysStay: async (act) => act(),
    now: Date.now,
  });
  const made = await Promise.allSettled(
    ['one', 'other'].map(async (name) => backups.make({ out: join(directory, name), recipients: [] }, new AbortController().signal)),
  );
  const refused = made.find((each) => each.status === 'rejected');
  assert.deepEqual(made.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.match(String(refused?.reason), /A backup is being made/);
});

test('a directory is inside of another also if its name begins with two dots', () => {
  requireApart('/store', '/store-backup');
  requireApart('/store/data', '/store/..backup');
  assert.throws(() => requireApart('/store', '/store/..backup'), { code: 'malformed' });
  assert.throws(() => requireApart('/store', '/'), { code: 'malformed' });
});
