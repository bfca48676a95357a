import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenedRecord, ReadMeta, Rendering } from '../domain/record.ts';
import { FactReader, type ReadRecord } from './record-facts.ts';

const model = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-x' };
const channelFacts = { principal: 'ann', groups: ['staff'], clientAddress: '10.0.0.1', target: 'shop', protocol: 'plain' };

/** Reads records, given as their kind, their meta, their text and whether they continue, as those of one session. */
function read(...records: readonly (readonly [string, Partial<ReadMeta>, string?, boolean?])[]): ReadRecord[] {
  const reader = new FactReader(() => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a timeline only renders with it
    return {
      render: ({ content, meta }: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): Rendering => {
        const [, shown] = /^shows (\d+)$/.exec(meta?.action ?? '') ?? [];
        const text = [shown === undefined ? null : earlier(Number(shown)), { content }].map((each) => Buffer.from(each?.content ?? []).toString()).join('');
        return { mediaType: 'text/plain', text, attributes: {} };
      },
    } as never;
  });
  return records.map(([kind, meta, text = '', continues = false], seq) =>
    reader.read(
      {
        session: '0'.repeat(32),
        seq,
        timeMs: seq,
        kind,
        record: `0000000000000000/${100 + seq}`,
        meta: { channel: 1, ...meta },
        channelFacts,
        governance: null,
        content: Buffer.from(text),
        continues,
        withheld: null,
      },
      new Set(),
    ),
  );
}

function valuesOf(records: readonly ReadRecord[], field: string): (readonly string[])[] {
  return records.map(({ facts }) => facts.values.get(field) ?? []);
}

test('an answer has the model of its request, and of one in parts the last is the output, with the text of all', () => {
  const records = read(
    ['request', { attributes: model }, 'refund?'],
    ['response', { request: 0 }, 'The ref', true],
    ['response', { request: 0 }, 'und pol', true],
    ['response', { request: 0 }, 'icy.'],
  );
  assert.deepEqual(valuesOf(records, 'kind'), [['request', 'prompt'], ['response'], ['response'], ['response', 'output']]);
  assert.deepEqual(
    valuesOf(records, 'model'),
    Array.from({ length: 4 }, () => ['gpt-x']),
  );
  assert.deepEqual(records.at(-1)?.facts.words, ['the', 'refund', 'policy']);
  assert.deepEqual(records.at(-1)?.needs, new Set([100, 102]));
});

test('what a record shows of earlier ones has their marks: the classes of values, what it carries, and that not all was looked at', () => {
  const marks = { 'countersign.carries': ['email', 'crm'], 'countersign.classes': ['email'], 'countersign.inspected': false };
  const records = read(
    ['request', { attributes: marks }, 'select ', true],
    ['request', { request: 0 }, 'ada', true],
    ['request', { request: 0 }, '@example.com'],
    ['request', { action: 'shows 0' }],
    ['response', { request: 3, action: 'shows 0' }],
    ['request', {}],
  );
  for (const [field, values] of [
    ['countersign.carries', ['email', 'crm']],
    ['class', ['email']],
    ['countersign.inspected', ['false']],
  ] as const) {
    assert.deepEqual(valuesOf(records, field), [values, [], values, values, [], []], field);
  }
});

test('an answer that is broken off is found in the record with which its channel ends', () => {
  const records = read(
    ['request', { attributes: model }, 'refund?'],
    ['response', { request: 0 }, 'The refund', true],
    ['event', { channel: 2, action: 'gateway.disconnect' }],
    ['event', { channel: 1, action: 'gateway.disconnect' }],
    ['close', {}],
  );
  assert.deepEqual(valuesOf(records, 'kind').slice(2), [['event'], ['event', 'output'], ['close']]);
  assert.deepEqual(records[3]?.facts.words, ['the', 'refund']);
  assert.deepEqual(records[3]?.facts.values.get('model'), ['gpt-x']);
  assert.ok(records[3]?.needs.has(101));
});

test('a request that a tool call caused has the model that asked for the call', () => {
  const call = { 'gen_ai.tool.call.id': ['call_123456'], 'gen_ai.tool.name': ['run_sql'], 'gen_ai.tool.call.arguments': ['{"query":"DELETE FROM t"}'] };
  const records = read(
    ['request', { attributes: model }, 'clear it'],
    ['response', { request: 0, attributes: call }],
    ['request', { attributes: { 'countersign.effects': ['destroy'], 'countersign.statements': ['delete'] } }, 'DELETE FROM t'],
    ['response', { request: 2 }, 'DELETE 1'],
  );
  assert.deepEqual(valuesOf(records, 'kind').slice(2), [['request', 'statement', 'change'], ['response']]);
  assert.deepEqual(
    valuesOf(records, 'model'),
    Array.from({ length: 4 }, () => ['gpt-x']),
  );
  assert.ok(records[2]?.needs.has(101));
});

test('an event that belongs to a request is no hit of what the request did', () => {
  const records = read(['request', { attributes: { 'countersign.tables': ['public.t'] } }], ['event', { request: 0 }], ['decision', { request: 0 }]);
  assert.deepEqual(valuesOf(records, 'table'), [['public.t'], [], ['public.t']]);
});

test('an erasure that two persons had a part in is found by each of them, and by where each came from', () => {
  const two = JSON.stringify({ by: ['cem', 'bea'], addresses: ['10.0.0.7', '10.0.0.8'], query: 'target:shop', reason: 'asked', facts: false });
  const records = read(['erasure', {}, two], ['erasure', {}, '{"by":"cem","address":"10.0.0.7","reason":"settled"}']);
  assert.deepEqual(
    valuesOf(records, 'principal').map((names) => names.filter((name) => name !== channelFacts.principal)),
    [['cem', 'bea'], ['cem']],
  );
  assert.deepEqual(
    valuesOf(records, 'address').map((places) => places.filter((place) => place !== channelFacts.clientAddress)),
    [['10.0.0.7', '10.0.0.8'], ['10.0.0.7']],
  );
  assert.deepEqual(
    records.map(({ facts }) => facts.words),
    [[], []],
    'and not by the words with which they asked',
  );
});
