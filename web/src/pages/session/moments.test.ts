import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import type { Act, Item } from './joined-timeline.ts';
import { findMoments, indexOf, inTime, lastUntil, momentAt, MomentList, stepFrom } from './moments.ts';
import { shownRecord } from './testdata/shown-record.ts';

function record(seq: number, text: string): Schemas['ShownRecord'] {
  return shownRecord(seq, { content: { mediaType: 'text/plain', text, bytes: text.length } });
}

const statement: Act = { is: 'act', request: record(4, 'SELECT 1'), answers: [record(5, 'one '), record(6, 'row')], others: [], turn: null, depth: 1 };
const conversation: Act = {
  is: 'act',
  request: record(2, 'all that was said before'),
  answers: [record(3, '')],
  others: [],
  depth: 0,
  turn: {
    asked: [{ role: 'user', parts: [{ is: 'text', text: 'How MANY?' }] }],
    replied: null,
    caused: new Map([[{ is: 'call', id: 'call', name: 'run_sql', arguments: '' }, [statement]]]),
  },
};
const moments = new MomentList().of([
  { is: 'event', record: record(0, 'login') },
  { is: 'output', records: [record(1, 'printed')] },
  conversation,
  { is: 'output', records: [] },
]);
const seqs = (of: typeof moments): readonly number[] => of.map(({ seq }) => seq);

test('one goes to each event, output and act, and to those under a tool call', () => {
  assert.deepEqual(
    moments.map(({ seq, place, records }) => ({ seq, place, records })),
    [
      { seq: 0, place: 0, records: [0] },
      { seq: 1, place: 1, records: [1] },
      { seq: 2, place: 2, records: [2, 3] },
      { seq: 4, place: 2, records: [4, 5, 6] },
    ],
  );
  assert.deepEqual(
    [null, 0, 2, 4, 99].map((seq) => stepFrom(moments, seq, 1)?.seq),
    [0, 1, 4, 4, 0],
  );
  assert.equal(stepFrom(moments, 0, -1)?.seq, 0);
  assert.equal(stepFrom([], null, 1), undefined);
});

test('by time, what a call has led to may come after what is shown below it', () => {
  const ordered = inTime(new MomentList().of([conversation, { is: 'event', record: record(3, 'between') }]));
  assert.deepEqual(seqs(ordered), [2, 3, 4]);
  assert.deepEqual(
    [2, 3, 4, 1, 5].map((seq) => indexOf(ordered, seq)),
    [0, 1, 2, -1, -1],
  );
  assert.deepEqual(
    [1, 2, 99].map((seq) => lastUntil(ordered, seq)),
    [-1, 0, 2],
  );
});

test('words are found in what is shown, over the parts of an answer, and not in what a client sends again', () => {
  assert.deepEqual(seqs(findMoments(moments, 'one row')), [4]);
  assert.deepEqual(seqs(findMoments(moments, 'how many')), [2]);
  assert.deepEqual(seqs(findMoments(moments, 'said before')), []);
  assert.deepEqual(seqs(findMoments(moments, 'PRINTED')), [1]);
  assert.deepEqual(seqs(findMoments(moments, '')), []);
});

test('the moments of an item are made once, however often more items come; those of one that has changed are made again', () => {
  const items = Array.from({ length: 100 }, (_, seq): Item => ({ is: 'event', record: record(seq, 'login') }));
  const list = new MomentList();
  const growing = items.map((_, at) => list.of(items.slice(0, at + 1)));
  assert.equal(growing.at(-1)?.length, items.length);
  assert.equal(new Set(growing.flat()).size, items.length);
  assert.equal(momentAt(growing.at(-1) ?? [], 42), growing[42]?.at(-1));
  const changed = list.of(items.with(97, { is: 'output', records: [] }));
  assert.deepEqual([changed.length, seqs(changed).slice(-3), changed[96] === growing[96]?.at(-1)], [99, [96, 98, 99], true]);
  assert.deepEqual(list.of([]), []);
});
