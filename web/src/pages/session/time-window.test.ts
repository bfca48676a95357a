import assert from 'node:assert/strict';
import { test } from 'node:test';
import { centred, holding, wholeWindow, zoomed } from './time-window.ts';

test('a window is zoomed around a time, which stays in its place, and never leaves the session', () => {
  const whole = wholeWindow(1000);
  assert.deepEqual(zoomed(whole, 0.5, 500, 1000), { fromMs: 250, toMs: 750 });
  assert.deepEqual(zoomed(whole, 0.5, 1000, 1000), { fromMs: 500, toMs: 1000 });
  assert.deepEqual(zoomed({ fromMs: 250, toMs: 750 }, 4, 500, 1000), whole);
  assert.deepEqual(zoomed(whole, 0.001, 0, 1000), { fromMs: 0, toMs: 50 });
  assert.deepEqual(wholeWindow(0), { fromMs: 0, toMs: 50 });
});

test('a window follows a time that has left it', () => {
  const seen = { fromMs: 100, toMs: 300 };
  assert.equal(holding(seen, 300, 1000), seen);
  assert.deepEqual(holding(seen, 600, 1000), { fromMs: 500, toMs: 700 });
  assert.deepEqual(centred(seen, 990, 1000), { fromMs: 800, toMs: 1000 });
});
