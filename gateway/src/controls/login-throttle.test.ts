import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { LoginThrottle } from './login-throttle.ts';

test('each failure makes the next login wait longer, up to a limit', () => {
  const throttle = new LoginThrottle(() => 0);
  const delays = Array.from({ length: 40 }, () => {
    throttle.failed('10.0.0.1');
    return throttle.delayMs('10.0.0.1');
  });
  assert.deepEqual(delays.slice(0, 7), [250, 500, 1000, 2000, 4000, 8000, 8000]);
  assert.equal(delays.at(-1), 8000);
  assert.equal(throttle.delayMs('10.0.0.2'), 0, 'nobody else waits');
});

test('a success, or ten minutes without a failure, forgets', () => {
  let nowMs = 0;
  const throttle = new LoginThrottle(() => nowMs);
  throttle.failed('a');
  throttle.succeeded('a');
  assert.equal(throttle.delayMs('a'), 0);
  throttle.failed('b');
  throttle.failed('b');
  nowMs = 10 * 60_000;
  assert.equal(throttle.delayMs('b'), 500);
  nowMs += 1;
  assert.equal(throttle.delayMs('b'), 0);
  throttle.failed('b');
  assert.equal(throttle.delayMs('b'), 250, 'it starts again from the beginning');
});

test('memory is bounded: the address that failed longest ago is forgotten first', () => {
  const throttle = new LoginThrottle(() => 0);
  for (let i = 0; i < 10_000; i++) {
    throttle.failed(`address ${i}`);
  }
  throttle.failed('address 0');
  throttle.failed('one more');
  assert.equal(throttle.delayMs('address 0'), 500);
  assert.equal(throttle.delayMs('address 1'), 0);
  assert.equal(throttle.delayMs('address 2'), 250);
});
