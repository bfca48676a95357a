import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import { openRecorder } from '../../gateway/src/recording/testdata/open-recorder.ts';
import { assertEvidence, assertStopsWhole, takeEvidence, type Evidence } from '../support/evidence.ts';
import { assertMarksRecorded, createMarks, insertMarks } from '../support/marks.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { mountJournaled, requireLoopDisks } from '../support/mounted-disk.ts';
import { openShop } from '../support/shop.ts';

const diskBytes = 256 * 1024 * 1024;
const rounds = 2;
const recording = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'recording', 'testdata');

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
    disk.remount();
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
    disk.remount();
    await gateway.start();
    await assertEvidence(gateway, [await takeEvidence(gateway)]);
  }
  await assertStopsWhole(gateway);
});

test(
  'C28: loss of power at any step of a rotation of the signing key: the start needs no hand, and has the key before or the new one',
  requireLoopDisks(),
  async (t) => {
    await using disk = mountJournaled(diskBytes);
    const data = join(disk.directory, 'data');
    mkdirSync(data);
    const start = async (): Promise<string> => {
      const { recorder, keys } = await openRecorder(data);
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
      return readFileSync(join(data, 'log', 'key'), 'utf8').trim();
    };
    const first = await start();
    for (const [step, isNew] of [
      ['announced', false],
      ['in force', true],
      ['signed', true],
    ] as const) {
      await t.test(step, async () => {
        const before = await start();
        const child = spawn(process.execPath, [join(recording, 'rotate-and-wait.ts'), data, step], { stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = once(child, 'exit');
        const [said]: readonly Buffer[] = await once(child.stdout, 'data');
        assert.equal(said?.toString(), step);
        disk.cutPower();
        child.kill('SIGKILL');
        await ended;
        disk.remount();
        assert.equal((await start()) !== before, isNew);
        const { verdict, findings } = await verifyStore(openStoreFiles(data), { keys: [first] });
        assert.deepEqual([verdict, findings], ['holds', []]);
      });
    }
  },
);
