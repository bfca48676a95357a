import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { laneNames, lanesOf, markNear } from './lanes.ts';
import { PlayClock } from './play-clock.ts';
import { shownRecord } from './testdata/shown-record.ts';
import { wholeWindow } from './time-window.ts';

const at = (seq: number, second: number, facts: Partial<Schemas['ShownRecord']>): Schemas['ShownRecord'] =>
  shownRecord(seq, { time: new Date(second * 1000).toISOString(), ...facts });
const records = [
  at(0, 0, { target: null, kind: 'open' }),
  at(1, 1, { target: 'a' }),
  at(2, 1, { target: 'a', verdict: 'deny' }),
  at(3, 2, { target: 'a', verdict: 'hold' }),
  at(4, 3, { target: 'a', kind: 'response' }),
  at(5, 5, { target: null, kind: 'response', action: 'process.output' }),
  at(6, 9, { target: 'b', verdict: 'hold' }),
  at(7, 10, { target: 'a' }),
];
const clock = new PlayClock(
  records.map(({ time }) => Date.parse(time)),
  Infinity,
);
const names = laneNames(records);

test('each target and the output of the program have a lane, with a mark where something happens that leads to what matters most', () => {
  assert.deepEqual(lanesOf(records, { names, clock, seen: wholeWindow(clock.lengthMs), columns: 5 }), [
    {
      name: 'a',
      marks: [
        { column: 0, seq: 2, level: 'high' },
        { column: 1, seq: 3, level: 'medium' },
        { column: 4, seq: 7, level: 'low' },
      ],
    },
    { name: null, marks: [{ column: 2, seq: 5, level: 'low' }] },
    { name: 'b', marks: [{ column: 4, seq: 6, level: 'medium' }] },
  ]);
});

test('of a part of the time, what is in it is shown', () => {
  const [a] = lanesOf(records, { names, clock, seen: { fromMs: 1500, toMs: 2500 }, columns: 10 });
  assert.deepEqual(a?.marks, [{ column: 5, seq: 3, level: 'medium' }]);
  assert.equal(a === undefined ? null : markNear(a, 6)?.seq, 3);
  assert.equal(a === undefined ? null : markNear(a, 7), undefined);
});

test('targets for which there is no room have one lane together', () => {
  const many = Array.from({ length: 20 }, (_none, seq) => at(seq, seq, { target: `t${seq}` }));
  const all = new PlayClock(
    many.map(({ time }) => Date.parse(time)),
    Infinity,
  );
  const lanes = lanesOf(many, { names: laneNames(many), clock: all, seen: wholeWindow(all.lengthMs), columns: 20 });
  assert.deepEqual([lanes.length, lanes.at(-1)?.name, lanes.at(-1)?.marks.length, lanes[0]?.marks.length], [8, undefined, 13, 1]);
  assert.deepEqual(lanesOf([], { names: laneNames([]), clock: new PlayClock([], 1), seen: wholeWindow(0), columns: 5 }), []);
});
