import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertEvidence, assertStopsWhole, takeEvidence, type Evidence } from '../support/evidence.ts';
import { assertMarksRecorded, createMarks, insertMarks } from '../support/marks.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { mountJournaled, requireLoopDisks } from '../support/mounted-disk.ts';
import { openShop } from '../support/shop.ts';

const diskBytes = 256 * 1024 * 1024;
const rounds = 2;

test('C28: loss of power under load (disk): nothing acknowledged is lost, receipts hold, the start needs no hand', requireLoopDisks(), async () => {
  await using disk = mountJournaled(diskBytes);
  await using shop = await openShop({ durability: 'disk', gateway: { data: join(disk.directory, 'data') } });
  await createMarks(shop);
  const evidence: Evidence[] = [];
  const acknowledged: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const begun = Promise.withResolvers<string>();
    const load = insertMarks(shop, { name: String(round), clients: 4, onAcknowledged: begun.resolve });
    await Promise.race([begun.promise, load]);
    await delay(randomInt(100, 500));
    evidence.push(await takeEvidence(shop.gateway));
    await delay(randomInt(100, 500));
    disk.cutPower();
    acknowledged.push(...(await load).acknowledged);
    await shop.gateway.signal('SIGKILL');
    await disk.remount();
    await shop.gateway.start();
    await assertEvidence(shop.gateway, evidence);
  }
  const reached = await assertMarksRecorded(shop);
  assert.ok(acknowledged.length >= rounds && acknowledged.every((mark) => reached.has(mark)));
  await assertStopsWhole(shop.gateway);
});

test('C28: loss of power in the first moments of a store: the start needs no hand', requireLoopDisks(), async () => {
  await using disk = mountJournaled(diskBytes);
  await using gateway = await GatewayProcess.start({ config: '', data: join(disk.directory, 'data') });
  for (let round = 0; round < rounds; round++) {
    disk.cutPower();
    await gateway.signal('SIGKILL');
    await disk.remount();
    await gateway.start();
    await assertEvidence(gateway, [await takeEvidence(gateway)]);
  }
  await assertStopsWhole(gateway);
});
