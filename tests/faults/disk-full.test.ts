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
    `T4.36, C28: a full disk (${durability}): clients see 53100, nothing reaches the target unrecorded, sessions are closed, service resumes with space`,
    requireMounts(),
    async () => {
      await using disk = mountSmall(diskBytes);
      await using shop = await openShop({ durability, gateway: { data: join(disk.directory, 'data') } });
      await createMarks(shop);
      const idle = await connectThrough(shop);
      const padding = randomBytes(3000).toString('base64');
      const longer = randomBytes(leftBytes).toString('base64');
      const evidence = await takeEvidence(shop.gateway);
      const ballast = fill(disk.directory);
      const { acknowledged, errors } = await insertMarks(shop, { name: 'full', clients: 4, padding });
      errors.forEach(assertRefused);
      await assert.rejects(idle.query(`select '${longer}'`), assertRefused);
      // Who comes now may not even get a session.
      const late = await insertMarks(shop, { name: 'late', clients: 1, padding: longer });
      assert.match(String(late.errors), /no space/);
      // A client is told just before its session is closed.
      await waitUntil(async () => (await openSessions(shop.gateway.data)).length === 0);

      const unready = await shop.gateway.api('/readyz');
      assert.equal(unready.status, 503);
      assert.match(await unready.text(), /no space left for the record/);

      rmSync(ballast);
      assert.equal((await shop.gateway.api('/readyz')).status, 200);
      const back = await connectThrough(shop);
      await back.query("insert into marks values ('back', '')");
      await assertEvidence(shop.gateway, [evidence]);

      // Full again, and stopped while it is.
      fill(disk.directory);
      await insertMarks(shop, { name: 'again', clients: 4, padding });
      await assertStopsWhole(shop.gateway);
      assert.deepEqual(await openSessions(shop.gateway.data), []);
      assert.doesNotMatch(shop.gateway.log, /"level":60/);
      const reached = await assertMarksRecorded(shop);
      assert.ok(acknowledged.length > 0 && acknowledged.every((mark) => reached.has(mark)));
      assert.ok(reached.has('back'));
    },
  );
}

/** Somebody else takes nearly all the space; the file that gives it back. */
function fill(directory: string): string {
  const { bavail, bsize } = statfsSync(directory);
  const ballast = join(directory, 'ballast');
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - leftBytes));
  return ballast;
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
  const open: unknown[] = [];
  for await (const session of store.sessions({ which: 'clients' })) {
    if (session.state === 'open') {
      open.push(session);
    }
  }
  return open;
}
