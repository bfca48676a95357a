import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinEpochs, type Sign } from './epochs.ts';

const beginMs = Date.parse('2026-11-30T04:00:00Z');
const sign = (session: string, seq: number, kind: string, seconds: number): Sign => ({
  session,
  seq,
  kind,
  time: new Date(beginMs + 1000 * seconds).toISOString(),
});

test('records become epochs, the newest first, with the gaps in each and none between them', () => {
  const signs = [sign('b', 0, 'epoch', 1000), sign('a', 9, 'heartbeat', 300), sign('a', 1, 'heartbeat', 60), sign('a', 0, 'epoch', 0)];
  assert.deepEqual(joinEpochs(signs), [
    { session: 'b', first: signs[0]?.time, last: signs[0]?.time, hasStart: true, heartbeats: 0, gaps: [] },
    {
      session: 'a',
      first: signs[3]?.time,
      last: signs[1]?.time,
      hasStart: true,
      heartbeats: 2,
      gaps: [{ from: signs[2]?.time, to: signs[1]?.time, seq: 9, isDeclared: false }],
    },
  ]);
});

test('a pause is a gap that the gateway declares; a heartbeat within its grace is none', () => {
  const [epoch] = joinEpochs([sign('a', 4, 'heartbeat', 0), sign('a', 5, 'heartbeat', 90), sign('a', 6, 'pause', 500), sign('a', 7, 'heartbeat', 560)]);
  assert.deepEqual(
    epoch?.gaps.map(({ seq, isDeclared }) => [seq, isDeclared]),
    [[6, true]],
  );
  assert.equal(epoch?.hasStart, false);
  assert.deepEqual(joinEpochs([]), []);
});
