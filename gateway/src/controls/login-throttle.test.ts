import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { LoginThrottle } from './login-throttle.ts';

test('each failure is answered later than the one before, up to a limit', () => {
  const throttle = new LoginThrottle(() => 0);
  const delays = Array.from({ length: 2000 }, () => throttle.failed('10.0.0.1'));
  assert.deepEqual(delays.slice(0, 7), [250, 500, 1000, 2000, 4000, 8000, 8000]);
  assert.equal(delays.at(-1), 8000);
  assert.equal(throttle.failed('10.0.0.2'), 250, 'others are counted apart');
});

test('a success, or ten minutes without a failure, forgets', () => {
  let nowMs = 0;
  const throttle = new LoginThrottle(() => nowMs);
  throttle.failed('a');
  throttle.succeeded('a');
  assert.equal(throttle.failed('a'), 250);
  nowMs = 10 * 60_000;
  assert.equal(throttle.failed('a'), 500);
  nowMs += 10 * 60_000 + 1;
  assert.equal(throttle.failed('a'), 250);
});

test('memory is bounded: the address that failed longest ago is forgotten first', () => {
  const throttle = new LoginThrottle(() => 0);
  for (let i = 0; i < 10_000; i++) {
    throttle.failed(`address ${i}`);
  }
  throttle.failed('address 0');
  throttle.failed('one more');
  assert.equal(throttle.failed('address 0'), 1000);
  assert.equal(throttle.failed('address 2'), 500);
  assert.equal(throttle.failed('address 1'), 250);
});
