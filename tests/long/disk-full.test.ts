import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openOffline } from '../../gateway/src/offline/offline-store.ts';
import { assertEvidence, assertStopsWhole, takeEvidence } from '../support/evidence.ts';
import { assertMarksRecorded, connectThrough, createMarks, insertMarks } from '../support/marks.ts';
import { mountSmall, requireMounts } from '../support/mounted-disk.ts';
import { openShop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

const diskBytes = 24 * 1024 * 1024;
/** The bytes that another file leaves free on the disk. */
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

test('T4.17: on a full disk an operator reads, halts and revokes; what must be recorded says cannot_record', requireMounts(), async () => {
  await using disk = mountSmall(diskBytes);
  await using shop = await openShop({ durability: 'process', gateway: { data: join(disk.directory, 'data') } });
  const { gateway } = shop;
  await createMarks(shop);
  const made: { readonly id: string; readonly token: string } = JSON.parse(
    await (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent' } })).text(),
  );
  const [revoked, halted] = [await connectThrough({ ...shop, token: made.token }), await connectThrough(shop)];
  revoked.on('error', () => undefined);
  halted.on('error', () => undefined);
  await halted.query('select 1');
  const { session } = await gateway.newest();
  fill(disk.directory, 0);
  await insertMarks(shop, { name: 'full', clients: 4, padding: randomBytes(3000).toString('base64') });
  // Short records may fit where longer ones did not.
  await waitUntil(async () => (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent' } })).status === 507);
  const refused = await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent' } });
  assert.equal(refused.status, 507);
  assert.match(await refused.text(), /cannot_record.*no space left/);
  assert.equal((await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } })).status, 507);
  assert.ok((await gateway.sessions()).some((each) => each.session === session));
  assert.ok((await gateway.records(session)).some(({ attributes }) => attributes['db.query.text'] === 'select 1'));
  const tokens = await gateway.api('/api/v1/tokens');
  assert.equal(tokens.status, 200);
  await tokens.text();
  const ends = [revoked, halted].map(
    async (client) =>
      new Promise((resolve) => {
        client.once('end', resolve);
      }),
  );
  assert.equal((await gateway.api(`/api/v1/tokens/${made.id}`, { method: 'DELETE' })).status, 200);
  assert.equal((await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'full' } })).status, 200);
  await Promise.all(ends);
  // A halted session is closed in the record once its channels have ended: a stop waits for that.
  await gateway.signal('SIGTERM');
  rmSync(join(disk.directory, 'ballast'));
  await gateway.start();
  await assert.rejects(connectThrough({ ...shop, token: made.token }), {
    code: '28P01',
  });
  const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
  const records = (await Promise.all(own.map(async (each) => gateway.records(each.session)))).flat();
  const revocations = records.filter(({ action, attributes }) => action === 'gateway.revoke_token' && attributes['countersign.token.id'] === made.id);
  assert.equal(revocations.length, 1);
  assert.equal((await gateway.sessions()).find((each) => each.session === session)?.state, 'halted');
});

/** Somebody else takes nearly all the space; the file that gives it back. */
function fill(directory: string, left: number = leftBytes): string {
  const { bavail, bsize } = statfsSync(directory);
  const ballast = join(directory, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - left));
  } catch (error) {
    // The gateway may have taken some of it meanwhile: what fitted is written.
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error));
  }
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
