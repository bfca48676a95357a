import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { SlidingWindow } from './sliding-window.ts';

const startMs = 1_790_000_000_000;
const event = fc.record({ afterMs: fc.nat(400_000), amount: fc.integer({ min: 1, max: 1000 }) });

test('T4.1: a window holds all that was used within it, and nothing that is older than it by more than a sixtieth', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7200 }), fc.array(event, { maxLength: 80 }), (seconds, events) => {
      const window = new SlidingWindow(seconds);
      const windowMs = seconds * 1000;
      const sumSince = (sinceMs: number): number => events.filter((each) => startMs + each.afterMs > sinceMs).reduce((sum, { amount }) => sum + amount, 0);
      for (const { afterMs, amount } of events) {
        window.add(amount, startMs + afterMs);
      }
      const newestMs = startMs + Math.max(0, ...events.map(({ afterMs }) => afterMs));
      for (const laterMs of [0, windowMs / 7, windowMs / 2, windowMs, windowMs * 1.01]) {
        const nowMs = newestMs + laterMs;
        const used = window.used(nowMs);
        assert.ok(used >= sumSince(nowMs - windowMs), 'nothing of the window is lost');
        assert.ok(used <= sumSince(nowMs - windowMs - windowMs / 60 - 1), 'and nothing stays for long');
        const inBuckets = [...window.buckets()].reduce((sum, { amount }) => sum + amount, 0);
        assert.equal(inBuckets, used);
        const freeMs = window.freeMs(used);
        if (used > 0) {
          const copy = new SlidingWindow(seconds);
          for (const { timeMs, amount } of window.buckets()) {
            copy.add(amount, timeMs + 0.001);
          }
          assert.equal(copy.used(freeMs - 1), used, 'it is full until then');
          assert.ok(copy.used(freeMs + 1) < used, 'and from then on there is room');
        }
      }
      assert.equal(window.used(newestMs + windowMs * 1.02 + 1), 0);
    }),
  );
});

test('T4.2: a time that goes back neither frees nor loses anything', () => {
  const window = new SlidingWindow(60);
  window.add(1, startMs);
  window.add(2, startMs - 59_000);
  window.add(4, startMs - 3_600_000);
  assert.equal(window.used(startMs - 1_000_000), 3);
  assert.equal(window.used(startMs + 2_500), 1);
});
