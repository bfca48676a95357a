import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LoginThrottle } from './login-throttle.ts';
import { GatewayError } from '../domain/errors.ts';
import type { OpenedRecord } from '../domain/record.ts';
import { journalStart } from '../recording/journal-reader.ts';
import { readEntries, SessionOpener } from '../recording/session-reader.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { Refusals } from './refusals.ts';

/** Returns the records of the refusals that `act` makes, up to a stop. */
async function recordedOf(act: (refusals: Refusals) => Promise<void>): Promise<OpenedRecord[]> {
  const data = mkdtempSync(join(tmpdir(), 'countersign-refusals-'));
  try {
    const { recorder, keys } = await openRecorder(data);
    {
      using refusals = new Refusals({
        recorder,
        throttle: new LoginThrottle(
          () => 0,
          () => Promise.resolve(),
        ),
        now: () => Date.UTC(2026, 0, 1),
      });
      await act(refusals);
    }
    const records: OpenedRecord[] = [];
    const opener = new SessionOpener(keys);
    await recorder.publish();
    for await (const raw of readEntries(data, recorder.own.id, { from: journalStart })) {
      records.push(opener.open(raw));
    }
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    return records.filter(({ meta }) => meta?.action === 'gateway.authenticate');
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

const error = new GatewayError('unauthenticated', 'The token is not accepted.');

test('T4.4, E52: refusals of an address are recorded up to a limit; one record counts the rest', async () => {
  const records = await recordedOf(async (refusals) => {
    for (let i = 0; i < 500; i++) {
      await assert.rejects(refusals.refuse({ address: '10.0.0.1', protocol: 'x', error }), { code: 'unauthenticated' });
    }
    await assert.rejects(refusals.refuse({ address: '10.0.0.1', protocol: 'x', error: new GatewayError('unknown_target', 'Nothing.') }));
    await assert.rejects(refusals.refuse({ address: '10.0.0.2', protocol: 'x', error }));
  });
  assert.equal(records.length, 20 + 1 + 1);
  assert.deepEqual(records.map(({ meta }) => meta?.attributes?.['client.address']).slice(19), ['10.0.0.1', '10.0.0.2', '10.0.0.1']);
  const { reason, attributes, verdict } = records.at(-1)?.meta ?? {};
  assert.equal(verdict, 'deny');
  assert.match(String(reason), /^481 more refused, from 2026-01-01T00:00:00.000Z to /);
  assert.equal(attributes?.['countersign.count'], 481);
  assert.deepEqual(attributes['countersign.reasons'], ['unauthenticated: 480', 'unknown_target: 1']);
});

test('T4.4, E52: however many addresses ask, memory and records about them are bounded', async () => {
  const records = await recordedOf(async (refusals) => {
    await Promise.all(Array.from({ length: 3_000 }, async (_, i) => refusals.record({ address: `2001:db8:0:${i.toString(16)}::1`, protocol: 'x', error })));
  });
  assert.equal(records.length, 1_000 + 20 + 1);
  assert.equal(records.at(-1)?.meta?.attributes?.['client.address'], 'others');
  assert.equal(records.at(-1)?.meta?.attributes?.['countersign.count'], 1_980);
});

test('T4.4: when a window is over its count is recorded and the next one begins', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-refusals-'));
  const { recorder, keys } = await openRecorder(data);
  using refusals = new Refusals({ recorder, throttle: new LoginThrottle(() => 0), now: Date.now, windowMs: 50 });
  const countTo = async (size: number): Promise<void> => {
    while ((await recorder.publish()).size < size) {
      await new Promise(setImmediate);
    }
  };
  const { size } = await recorder.publish();
  for (let i = 0; i < 30; i++) {
    await refusals.record({ address: 'a', protocol: 'x', error });
  }
  await countTo(size + 21);
  for (let i = 0; i < 30; i++) {
    await refusals.record({ address: 'a', protocol: 'x', error });
  }
  await countTo(size + 42);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});
