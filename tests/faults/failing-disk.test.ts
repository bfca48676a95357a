import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertEvidence, assertStopsWhole, takeEvidence } from '../support/evidence.ts';
import { assertMarksRecorded, createMarks, insertMarks } from '../support/marks.ts';
import { openShop } from '../support/shop.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

const faults = [
  { syscall: 'fdatasync', error: 'EIO' },
  { syscall: 'pwrite64', error: 'EIO' },
];

for (const durability of ['process', 'disk'] as const) {
  test(`C28: a disk that fails (${durability}): clients see 53100, nothing more moves, the start needs no hand`, requireStrace(), async () => {
    await using shop = await openShop({ durability });
    await createMarks(shop);
    for (const { syscall, error } of faults) {
      const load = insertMarks(shop, { name: syscall, clients: 4 });
      await delay(200);
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

function assertRefused(error: Error): void {
  assert.ok('code' in error, String(error));
  assert.equal(error.code, '53100', error.message);
  assert.match(error.message, /^countersign: .*\(session [0-9a-f]{32}\)$/);
}
