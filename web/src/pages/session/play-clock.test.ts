import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlayClock } from './play-clock.ts';

const times = [1000, 1500, 9500, 9500, 9400, 12_000];

test('time in which nothing happens is played up to a limit, and the rest is counted', () => {
  const clock = new PlayClock(times, 2000);
  assert.deepEqual(
    times.map((_time, index) => clock.at(index)),
    [0, 500, 2500, 2500, 2500, 4500],
  );
  assert.deepEqual([clock.lengthMs, clock.skippedMs], [4500, 6600]);
  const whole = new PlayClock(times, Infinity);
  assert.deepEqual([whole.lengthMs, whole.skippedMs], [11_100, 0]);
});

test('at each time the last record is known that has come', () => {
  const clock = new PlayClock(times, 2000);
  assert.deepEqual(
    [0, 499, 500, 2499, 2500, 4499, 4500, 99_999].map((ms) => clock.indexAt(ms)),
    [0, 0, 1, 1, 4, 4, 5, 5],
  );
  assert.deepEqual([new PlayClock([], 1).indexAt(0), new PlayClock([], 1).lengthMs], [-1, 0]);
});
