import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertEvidence, assertStopsWhole, takeEvidence } from '../support/evidence.ts';
import { assertMarksRecorded, connectThrough, createMarks, insertMarks } from '../support/marks.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

/** More than are made ready at once. */
const sessionsMax = 100;

const clients = 4;

const faults = [
  { syscall: 'fdatasync', error: 'EIO' },
  { syscall: 'pwrite64', error: 'EIO' },
];

for (const durability of ['process', 'disk'] as const) {
  test(`C28: a disk that fails (${durability}): clients see 53100, nothing more moves, the start needs no hand`, requireStrace(), async () => {
    await using shop = await openShop({ durability });
    await createMarks(shop);
    for (const { syscall, error } of faults) {
      const working = new Set<string>();
      const load = insertMarks(shop, { name: syscall, clients, onAcknowledged: (mark) => working.add(mark.split('-')[1] ?? '') });
      await waitUntil(() => working.size === clients);
      const evidence = await takeEvidence(shop.gateway);
      await using tracing = await injectFault(shop.gateway.pid, { syscall, file: shop.gateway.segment(), what: `error=${error}` });
      const { acknowledged, errors } = await load;
      errors.forEach(assertRefused);
      await waitUntil(() => shop.gateway.exitCode !== null);
      assert.equal(shop.gateway.exitCode, 1);
      assert.match(tracing.hits(), new RegExp(`${syscall}.*${error}.*INJECTED`));

      await shop.gateway.start();
      await assertEvidence(shop.gateway, [evidence]);
      const reached = await assertMarksRecorded(shop);
      assert.ok(acknowledged.length > 0 && acknowledged.every((mark) => reached.has(mark)));
    }
    await assertStopsWhole(shop.gateway);
  });
}

type Tracing = Awaited<ReturnType<typeof injectFault>>;
/** Beside the journal: what then cannot be done, with the fault still there. */
const passing: readonly { readonly syscall: string; readonly file: string; readonly meanwhile: (shop: Shop, tracing: Tracing) => Promise<void> }[] = [
  { syscall: 'pwrite64', file: 'keys.db', meanwhile: openUntilRefused },
  { syscall: 'pwrite64', file: 'index.db-wal', meanwhile: readUntilRefused },
  { syscall: 'openat', file: 'log/checkpoint.new', meanwhile: async (_shop, tracing) => untilInjected(tracing) },
];

test('C28: during a passing fault outside of the journal open connections work, and afterwards everything works', requireStrace(), async () => {
  await using shop = await openShop();
  await createMarks(shop);
  const client = await connectThrough(shop);
  for (const { syscall, file, meanwhile } of passing) {
    const tracing = await injectFault(shop.gateway.pid, { syscall, file: join(shop.gateway.data, file), what: 'error=EIO' });
    await client.query(`insert into marks values ('${file}', '')`);
    await meanwhile(shop, tracing);
    await client.query(`insert into marks values ('${file} later', '')`);
    await untilInjected(tracing);
    await tracing[Symbol.asyncDispose]();
    await (await connectThrough(shop)).end();
    await assertEvidence(shop.gateway, [await takeEvidence(shop.gateway)]);
    assert.ok((await shop.gateway.sessions()).length > 0);
  }
  await client.end();
  assert.equal((await assertMarksRecorded(shop)).size, 2 * passing.length);
  await assertStopsWhole(shop.gateway);
});

async function untilInjected(tracing: Tracing): Promise<void> {
  await waitUntil(() => tracing.hits().includes('INJECTED'));
}

/** The reader of the records may have noticed before it was asked, and not be back yet. */
async function readUntilRefused({ gateway }: Shop): Promise<void> {
  const { status } = await gateway.api('/api/v1/sessions');
  assert.ok([500, 503].includes(status), String(status));
}

/** Secrets of sessions are made some at a time. */
async function openUntilRefused(shop: Shop): Promise<void> {
  await assert.rejects(
    async () => {
      for (let i = 0; i < sessionsMax; i++) {
        await (await connectThrough(shop)).end();
      }
    },
    { code: '53100' },
  );
}

function assertRefused(error: Error): void {
  assert.ok('code' in error, String(error));
  assert.equal(error.code, '53100', error.message);
  assert.match(error.message, /^countersign: .*\(session [0-9a-f]{32}\)$/);
}
