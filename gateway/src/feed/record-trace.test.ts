import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { printFollowed } from '../domain/followed-values.ts';
import { traceRecord, type Trace } from './record-trace.ts';
import type { ShownRecord } from './shown-record.ts';

const session = '0'.repeat(32);
const email = { name: 'email', print: 'p', record: 'log/1', source: 'shop/customers.email' };
const carried = { 'countersign.carried': [printFollowed(email)] };

type Brief = readonly [kind: string, attributes?: ShownRecord['attributes'], verdict?: string];

async function trace(seq: number, those: readonly Brief[]): Promise<Trace> {
  const records = those.map(([kind, attributes = {}, verdict], at): ShownRecord => ({
    session,
    seq: at,
    time: new Date(at).toISOString(),
    channel: 1,
    target: 'shop',
    protocol: null,
    kind,
    action: null,
    principal: 'agent',
    verdict: verdict ?? null,
    policies: [],
    attributes,
    content: { mediaType: 'text/plain', text: 'secret', bytes: 6 },
    record: `log/${at}`,
  }));
  return traceRecord({ session, seq }, { records: (id) => Readable.from(id === session ? records : []), sessions: () => Readable.from([]) });
}

test('a record is traced to the request for which it was made, and to those that were made for it', async () => {
  const those: readonly Brief[] = [
    ['open'],
    ['request'],
    ['response', { 'countersign.request': 1, 'gen_ai.tool.call.id': ['a', 'b'] }],
    ['request', { 'gen_ai.tool.call.id': ['a'] }, 'hold'],
    ['decision', { 'countersign.request': 3 }, 'deny'],
    ['request', { 'countersign.likely_tool_calls': ['unknown', 'b'] }],
    ['request', { 'countersign.caused_by': 3 }],
    ['response', { 'countersign.request': 3 }],
  ];
  const tied = ({ causedBy, caused }: Trace): unknown => [causedBy, ...caused].map((tie) => tie && [tie.seq, tie.call, tie.isCertain, tie.verdict]);
  const traces = await Promise.all(those.map(async (_, seq) => trace(seq, those)));
  const ofModel = [null, [3, 'a', true, 'deny'], [5, 'b', false, null]];
  const ofCall = [
    [1, 'a', true, null],
    [6, null, true, null],
  ];
  assert.deepEqual(traces.map(tied), [[null], ofModel, ofModel, ofCall, ofCall, [[1, 'b', false, null]], [[3, null, true, 'deny']], ofCall]);
  assert.deepEqual(
    traces.map(({ side, record: { content } }) => [side, content]),
    [null, 'request', 'answer', 'request', 'request', 'request', 'request', 'answer'].map((side) => [side, null]),
  );
});

test('of very many requests that carried a value, or were made for one, the first are named, and the others counted', async () => {
  const came = [
    ['request', { 'gen_ai.request.model': 'm' }],
    ['response', { 'countersign.request': 0, 'gen_ai.tool.call.id': ['a'], 'countersign.classes': ['email'] }],
    ['event', { 'countersign.request': 0, 'countersign.answer': 1, 'countersign.followed': [printFollowed(email)] }],
  ] as const;
  const { values, causedLeftOut, caused } = await trace(0, [
    ...came,
    ...Array.from({ length: 510 }, (): Brief => ['request', { ...carried, 'gen_ai.tool.call.id': ['a'] }]),
  ]);
  assert.deepEqual(
    values.map(({ from, carriedBy, carriersLeftOut }) => [from.seq, carriedBy.length, carriedBy[0]?.seq, carriersLeftOut]),
    [[1, 500, 3, 10]],
  );
  assert.deepEqual([caused.length, caused[0]?.seq, causedLeftOut], [500, 3, 10]);
});
