import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertEvidence, assertStopsWhole, takeEvidence } from '../support/evidence.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { assertMarksRecorded, connectThrough, createMarks, insertMarks, inTarget, openTarget } from '../support/marks.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

/** The length of a parameter that cannot be compressed. A few of these parameters fill a segment. */
const fatBytes = 8 * 1024 * 1024;
const sessionsAtOnce = 8;

interface Point {
  readonly name: string;
  /** The process is killed as it begins this system call on this file. */
  readonly syscall: string;
  readonly file: (gateway: GatewayProcess) => string;
  /** Which such call, counted in each thread. */
  readonly when: number;
  /** The load that leads to this point, in addition to the marks. */
  readonly load?: (shop: Shop) => Promise<unknown>;
}

const points: readonly Point[] = [
  { name: 'before the journal is written', syscall: 'pwrite64', file: (gateway) => gateway.segment(), when: 25 },
  { name: 'journal written, not synced, nothing forwarded', syscall: 'fdatasync', file: (gateway) => gateway.segment(), when: 5 },
  { name: 'checkpoint made, not published', syscall: 'rename', file: (gateway) => join(gateway.data, 'log', 'checkpoint.new'), when: 1 },
  { name: 'key store half written', syscall: 'pwrite64', file: (gateway) => join(gateway.data, 'keys.db'), when: 2, load: openSessions },
  { name: 'index half written', syscall: 'pwrite64', file: (gateway) => join(gateway.data, 'index.db-wal'), when: 3 },
  { name: 'new segment begun, old one not cut', syscall: 'ftruncate', file: (gateway) => gateway.segment(), when: 1, load: fillSegment },
  { name: 'old segment cut, its seal not written', syscall: 'pwrite64', file: (gateway) => gateway.segment(1), when: 3, load: fillSegment },
];

test(
  'C28: kill at named points under load: every statement that reached the database is in the record, receipts hold, the start needs no hand',
  requireStrace(),
  async (t) => {
    await using shop = await openShop({ durability: 'disk', postgres: { settings: { log_statement: 'none' } } });
    await createMarks(shop);
    await t.test('forwarded, no response yet', () => killAfterForwarding(shop));
    for (const [number, point] of points.entries()) {
      await t.test(point.name, async () => {
        const evidence = await takeEvidence(shop.gateway);
        const { syscall, when } = point;
        await using tracing = await injectFault(shop.gateway.pid, { syscall, file: point.file(shop.gateway), what: `signal=SIGKILL:when=${when}` });
        const more = point.load?.(shop).catch(() => undefined);
        await insertMarks(shop, { name: String(number), clients: 3 });
        await more;
        await waitUntil(() => shop.gateway.killedBy !== null, 60_000);
        assert.equal(shop.gateway.killedBy, 'SIGKILL');
        assert.match(tracing.hits(), new RegExp(`${syscall}\\(.*\\+\\+\\+ killed by SIGKILL`, 's'));
        await shop.gateway.start();
        await assertEvidence(shop.gateway, [evidence]);
      });
    }
    const reached = await assertMarksRecorded(shop);
    assert.ok(reached.size > points.length);
    await assertStopsWhole(shop.gateway);
  },
);

/** The target holds insertions up until the gateway is gone, and then makes them. */
async function killAfterForwarding(shop: Shop): Promise<void> {
  const holder = await openTarget(shop);
  await holder.query('begin; lock table marks in share mode');
  const load = insertMarks(shop, { name: 'forwarded', clients: 3 });
  await waitUntil(async () => (await inTarget(shop, `select from pg_stat_activity where wait_event_type = 'Lock'`)).length === 3);
  await shop.gateway.signal('SIGKILL');
  assert.deepEqual((await load).acknowledged, []);
  await holder.end();
  await waitUntil(async () => (await inTarget(shop, `select from marks where mark like 'forwarded%'`)).length === 3);
  await shop.gateway.start();
  assert.match(shop.gateway.log, /"requestsWithoutOutcome":3/, 'the record says that the outcome of these is unknown');
}

/** More than fits a segment, until the gateway is gone. */
async function fillSegment(shop: Shop): Promise<never> {
  const client = await connectThrough(shop);
  const fat = randomBytes(fatBytes);
  for (;;) {
    await client.query('select length($1::bytea)', [fat]);
  }
}

/** One session after another, until the gateway is gone: their secrets are made some at a time. */
async function openSessions(shop: Shop): Promise<void> {
  await Promise.all(
    Array.from({ length: sessionsAtOnce }, async () => {
      for (;;) {
        const client = await connectThrough(shop);
        await client.end();
      }
    }),
  );
}
