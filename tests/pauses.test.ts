import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeLeaf } from '../ledger/src/leaf.ts';
import { frameEntries } from '../ledger/src/segment-reader.ts';
import { verifyStore, type StoreReport } from '../ledger/src/verify-store.ts';
import { openStoreFiles } from '../cli/src/store-files.ts';
import { isPlacedFrame, journalStart, readJournal } from '../gateway/src/recording/journal-reader.ts';
import type { Recorder } from '../gateway/src/recording/recorder.ts';
import { openRecorder } from '../gateway/src/recording/testdata/open-recorder.ts';
import { GatewayProcess } from './support/gateway-process.ts';
import { mountSmall, requireMounts } from './support/mounted-disk.ts';
import { waitUntil } from './support/wait-until.ts';

const request = { kind: 'request', meta: '{}', content: [] } as const;

interface Clock {
  aheadMs: number;
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-pauses-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Records with a clock that can be set, stops in good order, and verifies. */
async function recordWith(data: string, act: (recorder: Recorder, clock: Clock) => void | Promise<void>, segmentBytes?: number): Promise<StoreReport> {
  const clock: Clock = { aheadMs: 0 };
  const now = (): number => Date.now() + clock.aheadMs;
  const { recorder, keys } = await openRecorder(data, { clock: now, ...(segmentBytes === undefined ? {} : { segmentBytes }) });
  await act(recorder, clock);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return verifyStore(openStoreFiles(data));
}

async function kindsOf(data: string): Promise<string[]> {
  const kinds: string[] = [];
  for await (const step of readJournal(data, journalStart)) {
    if (isPlacedFrame(step) && step.frame.header.type === 'batch') {
      kinds.push(...[...frameEntries(step.frame)].map((entry) => decodeLeaf(entry.leaf).kind));
    }
  }
  return kinds;
}

test('T4.15, E53: a clock that jumps while the machine stands still is recorded before anything else, and the store holds', async (t) => {
  const data = temporaryDirectory(t);
  const report = await recordWith(data, (recorder, clock) => {
    const track = recorder.openSession();
    recorder.append(track, request);
    clock.aheadMs = 100_000;
    recorder.append(track, request);
    recorder.append(track, request);
  });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.deepEqual(
    (await kindsOf(data)).filter((kind) => kind === 'pause' || kind === 'request'),
    ['request', 'pause', 'request', 'request'],
  );
  const [pause] = report.pauses;
  assert.ok(pause !== undefined && pause.to - pause.from >= 100_000, JSON.stringify(report.pauses));
  assert.ok(pause.monotonic >= 0 && pause.monotonic < 90_000, JSON.stringify(report.pauses));
});

test('T4.15, E53: a pause is recorded even if nothing else is recorded', async (t) => {
  const report = await recordWith(temporaryDirectory(t), async (recorder, clock) => {
    const { size } = recorder;
    clock.aheadMs = 100_000;
    await waitUntil(() => recorder.size > size);
  });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.counts.pauses, 1);
});

test('T4.15, E53: a clock that is set back and forth again', async (t) => {
  const report = await recordWith(temporaryDirectory(t), (recorder, clock) => {
    const track = recorder.openSession();
    for (const aheadMs of [-3_600_000, 0, 200_000, 0]) {
      clock.aheadMs = aheadMs;
      recorder.append(track, request);
    }
  });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.counts.pauses, 4);
});

test('T4.15, E53: a pause just where a segment ends', async (t) => {
  const report = await recordWith(
    temporaryDirectory(t),
    (recorder, clock) => {
      const track = recorder.openSession();
      for (let i = 0; i < 200; i++) {
        clock.aheadMs += 30_000;
        recorder.append(track, { ...request, content: [randomBytes(20_000)] });
      }
    },
    1024 * 1024,
  );
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.ok(report.counts.segments > 3);
  assert.equal(report.counts.pauses, 200);
});

test('T4.15, E53: heartbeats that could not be recorded are accounted for', async (t) => {
  const report = await recordWith(temporaryDirectory(t), async (recorder, clock) => {
    const { size } = recorder;
    // Faster than the heartbeats come, and too slow for a pause.
    const timer = setInterval(() => {
      clock.aheadMs += 1000;
    }, 10);
    timer.unref();
    await waitUntil(() => recorder.size > size);
    clearInterval(timer);
  });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.ok(report.counts.pauses > 0);
});

test('T4.15, E53: a pause on a full disk is told before the sessions are closed', requireMounts(), async () => {
  await using disk = mountSmall(8 * 1024 * 1024);
  const data = disk.directory;
  const report = await recordWith(data, (recorder, clock) => {
    const track = recorder.openSession();
    recorder.append(track, request);
    const { bavail, bsize } = statfsSync(disk.directory);
    writeFileSync(join(disk.directory, 'full'), Buffer.alloc(bavail * bsize));
    clock.aheadMs = 100_000;
    assert.throws(() => {
      for (;;) {
        recorder.append(track, { ...request, content: [randomBytes(50_000)] });
      }
    });
    clock.aheadMs = 200_000;
    recorder.closeSession(track, 'cannot_record');
    rmSync(join(disk.directory, 'full'));
  });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.ok(report.counts.pauses > 0);
});

test('T4.15, E53: a process that was stopped and continued records it, and verify lists that separately', async () => {
  await using gateway = await GatewayProcess.start({ config: '' });
  process.kill(gateway.pid, 'SIGSTOP');
  await delay(5500);
  process.kill(gateway.pid, 'SIGCONT');
  const report = async (): Promise<StoreReport> => verifyStore(openStoreFiles(gateway.data));
  await waitUntil(async () => (await report()).counts.pauses > 0);
  assert.equal(await gateway.signal('SIGTERM'), 0);
  const { status, stdout } = gateway.verify();
  assert.equal(status, 0, stdout);
  assert.match(stdout, /nothing was recorded from \S+Z to \S+Z: (?:[5-9]|\d\d+) s by the clock, (?:[5-9]|\d\d+) s measured/);
});
