import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barsOf, totalOf } from './activity-bars.ts';

const activity = { target: 'shop', records: [0, 1, 100, 1], verdicts: '.aad' };

test('a part of the time with more records has a higher bar, and one in which something was denied the highest', () => {
  const bars = barsOf(activity, 100);
  assert.deepEqual(
    bars.map(({ at, level }) => [at, level]),
    [
      [1, 'low'],
      [2, 'low'],
      [3, 'high'],
    ],
  );
  const [one = 0, hundred = 0, denied = 0] = bars.map(({ height }) => height);
  assert.ok(0 < one && one < hundred && hundred < denied && denied === 1);
});

test('what a strip shows is told in numbers too', () => {
  assert.deepEqual(totalOf(activity), { records: 102, isHeld: false, isDenied: true });
});
