import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertEvidence, assertStopsWhole, takeEvidence, type Evidence } from '../support/evidence.ts';
import { assertMarksRecorded, createMarks, insertMarks } from '../support/marks.ts';
import { openShop } from '../support/shop.ts';

const rounds = 2;

for (const durability of ['process', 'disk'] as const) {
  test(`C28: kill -9 under load (${durability}): every statement that reached the database is in the record, receipts hold, the start needs no hand`, async () => {
    await using shop = await openShop({ durability });
    await createMarks(shop);
    const evidence: Evidence[] = [];
    const acknowledged: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const begun = Promise.withResolvers<string>();
      const load = insertMarks(shop, { name: String(round), clients: 4, onAcknowledged: begun.resolve });
      await Promise.race([begun.promise, load]);
      await delay(randomInt(150, 700));
      evidence.push(await takeEvidence(shop.gateway));
      await shop.gateway.signal('SIGKILL');
      acknowledged.push(...(await load).acknowledged);
      await shop.gateway.start();
    }
    const reached = await assertMarksRecorded(shop);
    assert.ok(acknowledged.length >= rounds, 'the load did something');
    assert.ok(acknowledged.every((mark) => reached.has(mark)));
    await assertEvidence(shop.gateway, evidence);
    await assertStopsWhole(shop.gateway);
  });
}
