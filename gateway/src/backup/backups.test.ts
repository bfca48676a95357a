import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { mountSmall, requireMounts } from '../../../tests/support/mounted-disk.ts';
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

for (const { full, leftBytes } of [
  { full: 'data', leftBytes: 0 },
  // There is space for all but the keys.
  { full: 'data', leftBytes: 40_960 },
  { full: 'out', leftBytes: 0 },
] as const) {
  test(
    `a backup for which a disk has no space (${full}, ${leftBytes} bytes left) says so and leaves no copy of keys, and another attempt with space is whole`,
    requireMounts(),
    async (t) => {
      await using disk = mountSmall(16 * 1024 * 1024);
      const directory = mkdtempSync(join(tmpdir(), 'countersign-backups-'));
      t.after(() => {
        rmSync(directory, { recursive: true });
      });
      const places = { data: join(directory, 'data'), out: join(directory, 'out'), [full]: join(disk.directory, full) };
      const { data, out } = places;
      mkdirSync(data);
      const { recorder, keys } = await openErasures(data);
      recordSession(recorder, 'said');
      const published = await recorder.publish();
      const backups = new Backups({
        data,
        gateway: keys.gatewayId ?? '',
        copyKeys: async (file, size) => keys.copyTo(file, size),
        identityFile: null,
        configured: () => ({ files: [], named: [] }),
        checkpoint: async () => Promise.resolve(published),
        whileKeysStay: async (act) => act(),
        now: Date.now,
      });
      const make = async (): Promise<unknown> => backups.make({ out, recipients: [] }, new AbortController().signal);
      const ballast = join(disk.directory, 'ballast');
      const { bavail, bsize } = statfsSync(disk.directory);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - leftBytes));
      await assert.rejects(make(), { code: 'cannot_record', message: /no space left/ });
      assert.ok(!existsSync(join(data, 'backing-up')));
      rmSync(ballast);
      await make();
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
      using keyRows = openKeyRows(join(out, 'keys.db'));
      const { findings } = await verifyStore(openStoreFiles(out), { keyRows });
      assert.deepEqual(findings, []);
    },
  );
}

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
