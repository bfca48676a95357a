import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JoinedTimeline } from './joined-timeline.ts';
import { begunUntil, itemUntil } from './shown-until.ts';
import { shownRecord } from './testdata/shown-record.ts';

const parts = (text: string, calls: readonly object[] = []): string =>
  JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: text }, ...calls] }]);
const timeline = new JoinedTimeline();
for (const record of [
  shownRecord(0, { kind: 'open' }),
  shownRecord(1, { attributes: { 'gen_ai.input.messages': parts('How many?') } }),
  shownRecord(2, { kind: 'response', attributes: { 'countersign.request': 1, 'countersign.continues': true } }),
  shownRecord(3, {
    kind: 'response',
    attributes: { 'countersign.request': 1, 'gen_ai.output.messages': parts('I ask.', [{ type: 'tool_call', id: 'call', name: 'run_sql', arguments: '' }]) },
  }),
  shownRecord(4, { attributes: { 'gen_ai.tool.call.id': ['call'] } }),
  shownRecord(5, { kind: 'response', attributes: { 'countersign.request': 4 } }),
  shownRecord(6, { kind: 'response', action: 'process.output' }),
  shownRecord(7, { kind: 'response', action: 'process.output' }),
]) {
  timeline.add(record);
}
const { items } = timeline;

/** Says of the turn what is shown of it: how many answers, what was replied, and what its call has led to with how many answers. */
function turnAt(seq: number): unknown {
  const item = items[1] === undefined ? undefined : itemUntil(items[1], seq);
  const turn = item?.is === 'act' ? item.turn : null;
  return [
    item?.is === 'act' && item.answers.length,
    turn?.replied?.length ?? null,
    [...(turn?.caused.values() ?? [])].flat().map(({ request, answers }) => [request.seq, answers.length]),
  ];
}

test('of a turn, what had come is shown: the answer in its parts, then its calls, then what they led to', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(turnAt), [
    [0, null, []],
    [1, null, []],
    [2, 1, []],
    [2, 1, [[4, 0]]],
    [2, 1, [[4, 1]]],
  ]);
  assert.deepEqual(
    items.map((item) => itemUntil(item, 7)),
    items,
  );
});

test('what has not begun is not there, and of an output the lines that were printed', () => {
  assert.deepEqual(
    [-1, 0, 1, 5, 6, Infinity].map((seq) => begunUntil(items, seq)),
    [0, 1, 2, 2, 3, 3],
  );
  const output = items[2] === undefined ? undefined : itemUntil(items[2], 6);
  assert.equal(output?.is === 'output' && output.records.length, 1);
});
