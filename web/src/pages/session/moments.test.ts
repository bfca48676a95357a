import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import type { Act } from './joined-timeline.ts';
import { findMoments, momentsOf, stepFrom } from './moments.ts';

function record(seq: number, text: string): Schemas['ShownRecord'] {
  return {
    session: '0'.repeat(32),
    seq,
    time: '2026-11-30T00:00:00.000Z',
    channel: 1,
    target: 'shop',
    protocol: null,
    kind: 'request',
    action: 'postgres.query',
    principal: null,
    verdict: null,
    policies: [],
    attributes: {},
    content: { mediaType: 'text/plain', text, bytes: text.length },
    record: `log/${seq}`,
  };
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
const moments = momentsOf([
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

test('words are found in what is shown, over the parts of an answer, and not in what a client sends again', () => {
  assert.deepEqual(seqs(findMoments(moments, 'one row')), [4]);
  assert.deepEqual(seqs(findMoments(moments, 'how many')), [2]);
  assert.deepEqual(seqs(findMoments(moments, 'said before')), []);
  assert.deepEqual(seqs(findMoments(moments, 'PRINTED')), [1]);
  assert.deepEqual(seqs(findMoments(moments, '')), []);
});
