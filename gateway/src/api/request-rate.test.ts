import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../domain/errors.ts';
import { RequestRate } from './request-rate.ts';

test('a principal that asks too often waits, and nobody else does', () => {
  const rate = new RequestRate();
  const beginMs = Date.UTC(2026, 10, 2);
  for (let i = 0; i < 1200; i++) {
    rate.count('ann', beginMs + i);
  }
  let waitSeconds = 0;
  assert.throws(
    () => rate.count('ann', beginMs + 2000),
    (error) => {
      assert.ok(error instanceof GatewayError && error.code === 'throttled');
      waitSeconds = error.retryAfterSeconds ?? 0;
      return waitSeconds > 30 && waitSeconds <= 62;
    },
  );
  rate.count('bob', beginMs + 2000);
  rate.count('ann', beginMs + 2000 + waitSeconds * 1000);
});

test('principals that ask nothing any more are forgotten, those that were throttled are not', () => {
  const rate = new RequestRate();
  const beginMs = Date.UTC(2026, 10, 2);
  for (let i = 0; i < 1200; i++) {
    rate.count('ann', beginMs);
  }
  for (let i = 0; i < 3000; i++) {
    rate.count(`agent-${i}`, beginMs);
  }
  assert.throws(() => rate.count('ann', beginMs), GatewayError);
});
