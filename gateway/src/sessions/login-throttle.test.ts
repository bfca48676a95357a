import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { LoginThrottle } from './login-throttle.ts';

/** A throttle whose waits are noted and over at once; those of `held` never. */
function open({ now = () => 0, held = false }: { now?: () => number; held?: boolean } = {}) {
  const waits: number[] = [];
  const throttle = new LoginThrottle(now, (ms) => {
    waits.push(ms);
    return held ? new Promise(() => undefined) : Promise.resolve();
  });
  const delayOf = async (address: string): Promise<number | undefined> => {
    await throttle.failed(address);
    return waits.at(-1);
  };
  return { throttle, waits, delayOf };
}

test('each failure is answered later than the one before, up to a limit', async () => {
  const { waits, delayOf } = open();
  for (let i = 0; i < 2000; i++) {
    await delayOf('10.0.0.1');
  }
  assert.deepEqual(waits.slice(0, 7), [250, 500, 1000, 2000, 4000, 8000, 8000]);
  assert.equal(waits.at(-1), 8000);
  assert.equal(await delayOf('10.0.0.2'), 250, 'others are counted apart');
});

test('ten minutes without a failure forget', async () => {
  let nowMs = 0;
  const { delayOf } = open({ now: () => nowMs });
  await delayOf('a');
  nowMs = 10 * 60_000;
  assert.equal(await delayOf('a'), 500);
  nowMs += 10 * 60_000 + 1;
  assert.equal(await delayOf('a'), 250);
});

test('T4.4, E52: the addresses of one network of IPv6 are one', async () => {
  const { delayOf } = open();
  await delayOf('2001:db8:1:2::1');
  assert.equal(await delayOf('2001:db8:1:2:ffff:1:2:3'), 500);
  assert.equal(await delayOf('2001:0DB8:1:2::'), 1000);
  assert.equal(await delayOf('2001:db8:1:3::1'), 250);
});

test('T4.4, E52: beyond the number of answers that are held back, further failures are refused at once', async () => {
  const { throttle, waits } = open({ held: true });
  for (let i = 0; i < 64; i++) {
    void throttle.failed('a');
  }
  await assert.rejects(throttle.failed('a'), { code: 'throttled' });
  void throttle.failed('b');
  assert.equal(waits.length, 65, 'others are counted apart');
});

test('memory is bounded: the network that failed longest ago is forgotten first', async () => {
  const { delayOf } = open();
  for (let i = 0; i < 10_000; i++) {
    await delayOf(`address ${i}`);
  }
  await delayOf('address 0');
  await delayOf('one more');
  assert.equal(await delayOf('address 0'), 1000);
  assert.equal(await delayOf('address 2'), 500);
  assert.equal(await delayOf('address 1'), 250);
});
