import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { dayOf, printDay } from '../recording/retention.ts';
import { RetentionRun, type RetentionRunParts } from './retention-run.ts';
import { dayMs, noonClock, openErasures, recordSession } from './testdata/open-erasures.ts';

interface Opened extends AsyncDisposable {
  readonly run: RetentionRun;
  readonly keys: KeyStore;
  readonly recorder: Recorder;
}

function makeDirectory(t: TestContext): string {
  const data = mkdtempSync(join(tmpdir(), 'countersign-retention-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  return data;
}

/** A recorder whose clock is some days late, and the run with the same clock. */
async function open(data: string, agoDays: number, more: Partial<RetentionRunParts> = {}): Promise<Opened> {
  const { recorder, keys, erasures } = await openErasures(data, agoDays);
  const run = new RetentionRun({
    recorder,
    keys,
    erasures,
    now: () => noonClock() - agoDays * dayMs,
    onRefused: () => undefined,
    ...more,
  });
  return {
    run,
    keys,
    recorder,
    [Symbol.asyncDispose]: async () => {
      run[Symbol.dispose]();
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
    },
  };
}

/** Contents are kept for 90 days in these tests, facts for 400. */
test('what was kept until yesterday is destroyed, and what is kept until today is not', async (t) => {
  const data = makeDirectory(t);
  for (const ago of [91, 90]) {
    await using past = await open(data, ago);
    recordSession(past.recorder, 'said');
  }
  const today = dayOf(noonClock());
  await using now = await open(data, 0);
  assert.deepEqual(await now.run.run({ by: 'ann' }, today), { day: today, keys: [{ class: 1, day: today - 1 }] });
  assert.deepEqual(await now.run.run({ by: 'ann' }), { day: today, keys: [] });
  assert.equal(now.keys.retentionDay, today);
  assert.ok(now.keys.classDays().some(({ day }) => day === today));
});

test('a clock that jumped ahead destroys nothing until a person says what day it is', async (t) => {
  const data = makeDirectory(t);
  {
    await using past = await open(data, 91);
    recordSession(past.recorder, 'said');
  }
  const today = dayOf(noonClock());
  await using now = await open(data, 0);
  const before = now.keys.classDays();
  await assert.rejects(now.run.run({ by: 'ann' }), new RegExp(`the last day known before is ${printDay(today - 91)}.*--today ${printDay(today)}$`));
  await assert.rejects(now.run.run({ by: 'ann' }, today - 1), new RegExp(`today is ${printDay(today)}, and you say ${printDay(today - 1)}`));
  assert.deepEqual(now.keys.classDays(), before);
  assert.deepEqual((await now.run.run({ by: 'ann' }, today)).keys, [{ class: 1, day: today - 1 }]);
});

test('a day of which the log has no record is not believed', async (t) => {
  const data = makeDirectory(t);
  const { recorder, keys, erasures } = await openErasures(data, 1);
  await using opened = new AsyncDisposableStack();
  opened.use(keys);
  opened.use(recorder);
  const run = new RetentionRun({ recorder, keys, erasures, now: noonClock, onRefused: () => undefined });
  await assert.rejects(run.run({}), /The log has no record of/);
});

test('nothing is destroyed if it is not certain what is to be kept longer', async (t) => {
  const data = makeDirectory(t);
  {
    await using past = await open(data, 91);
    recordSession(past.recorder, 'said');
  }
  await using now = await open(data, 0, { keepThenDestroy: () => Promise.reject(new Error('the index is not whole')) });
  const before = now.keys.classDays();
  await assert.rejects(now.run.run({}, dayOf(noonClock())), /the index is not whole/);
  assert.deepEqual(now.keys.classDays(), before);
  assert.equal(now.recorder.erasures.length, 0);
});

test('what was announced and could not be carried out is carried out by the next look, on the same day too', async (t) => {
  await using now = await open(makeDirectory(t), 0);
  recordSession(now.recorder, 'said');
  await now.run.run({ by: null });
  now.recorder.announceErasure({ cause: 'erased', keys: [], secrets: [[1, 2]], copies: [] }, {});
  await now.run.look();
  assert.deepEqual(now.recorder.erasures, []);
});
