import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openOffline } from '../../gateway/src/offline.ts';
import { assertEvidence, assertStopsWhole, takeEvidence } from '../support/evidence.ts';
import { assertMarksRecorded, connectThrough, createMarks, insertMarks } from '../support/marks.ts';
import { mountSmall, requireMounts } from '../support/mounted-disk.ts';
import { openShop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

const diskBytes = 24 * 1024 * 1024;
/** What somebody else's file leaves of it. */
const leftBytes = 1024 * 1024;
const refusal = /^countersign: .*no space.*\(session [0-9a-f]{32}\)$/;

for (const durability of ['process', 'disk'] as const) {
  test(
    `C28: a full disk (${durability}): clients see 53100, nothing reaches the target unrecorded, sessions are closed, service resumes with space`,
    requireMounts(),
    async () => {
      await using disk = mountSmall(diskBytes);
      await using shop = await openShop({ durability, gateway: { data: join(disk.directory, 'data') } });
      await createMarks(shop);
      const idle = await connectThrough(shop);
      const padding = randomBytes(3000).toString('base64');
      const longer = randomBytes(leftBytes).toString('base64');
      for (const round of [1, 2]) {
        const evidence = await takeEvidence(shop.gateway);
        fill(disk.directory);
        const { acknowledged, errors } = await insertMarks(shop, { name: `full-${round}`, clients: 4, padding });
        errors.forEach(assertRefused);
        // Who comes now may not even get a session.
        const late = await insertMarks(shop, { name: `late-${round}`, clients: 1, padding: longer });
        assert.match(String(late.errors), /no space/);
        if (round === 1) {
          await assert.rejects(idle.query(`select '${longer}'`), assertRefused);
        }
        // A client is told just before its session is closed.
        await waitUntil(async () => (await openSessions(shop.gateway.data)).length === 0);
        rmSync(join(disk.directory, 'ballast'));

        const reached = await assertMarksRecorded(shop);
        assert.ok(acknowledged.length > 0 && acknowledged.every((mark) => reached.has(mark)));
        const back = await connectThrough(shop);
        await back.query(`insert into marks values ('back-${round}', '')`);
        await back.end();
        await assertEvidence(shop.gateway, [evidence]);
      }
      const reached = await assertMarksRecorded(shop);
      assert.ok(reached.has('back-1') && reached.has('back-2'));
      assert.doesNotMatch(shop.gateway.log, /fatal/);
      await assertStopsWhole(shop.gateway);
    },
  );
}

function fill(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, 'ballast'), Buffer.alloc(bavail * bsize - leftBytes));
}

function assertRefused(error: unknown): true {
  assert.ok(error instanceof Error && 'code' in error, String(error));
  assert.equal(error.code, '53100', error.message);
  assert.match(error.message, refusal);
  return true;
}

/** In the record, with the disk still full. */
async function openSessions(data: string): Promise<unknown[]> {
  await using store = await openOffline(data, {});
  return [...store.sessions('clients')].filter(({ state }) => state === 'open');
}
