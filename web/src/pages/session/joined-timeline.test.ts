import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schemas } from '../../api/schema.ts';
import { JoinedTimeline, type Item } from './joined-timeline.ts';
import { shownRecord } from './testdata/shown-record.ts';

type Shown = Schemas['ShownRecord'];

const text = (role: string, content: string): object => ({ role, parts: [{ type: 'text', content }] });
const call = (id: string): object => ({ role: 'assistant', parts: [{ type: 'tool_call', id, name: 'run_sql', arguments: { query: 'SELECT 1' } }] });
const result = (id: string): object => ({ role: 'tool', parts: [{ type: 'tool_call_response', id, response: '1' }] });

/** Kind, attributes and target of a record. */
type Brief = readonly [string, Shown['attributes'], string?];

/** Makes the records of a session. */
function records(those: readonly Brief[]): Shown[] {
  return those.map(([kind, attributes, target = 'model'], seq) =>
    shownRecord(seq, { kind, attributes, target, action: target === 'output' ? 'process.output' : null, verdict: null }),
  );
}

function join(...those: readonly Brief[]): readonly Item[] {
  const timeline = new JoinedTimeline();
  records(those).forEach((record) => timeline.add(record));
  return timeline.items;
}

/** Draws items as a tree of the numbers of their records. */
function drawn(items: readonly Item[]): unknown {
  return items.map((item) =>
    item.is === 'event'
      ? item.record.seq
      : item.is === 'output'
        ? { output: item.records.map(({ seq }) => seq) }
        : {
            request: item.request.seq,
            others: item.others.map(({ seq }) => seq),
            answers: item.answers.map(({ seq }) => seq),
            ...(item.turn === null
              ? {}
              : {
                  asked: item.turn.asked.map(({ role }) => role),
                  caused: Object.fromEntries([...item.turn.caused].map(([{ id }, acts]) => [id, drawn(acts)])),
                }),
          },
  );
}

const asking = (...messages: readonly object[]): Shown['attributes'] => ({ 'gen_ai.input.messages': JSON.stringify(messages) });
const saying = (request: number, ...messages: readonly object[]): Shown['attributes'] => ({
  'countersign.request': request,
  'gen_ai.output.messages': JSON.stringify(messages),
});

test('a conversation is its turns, each with what is new in it, and a statement is under the call that caused it', () => {
  const first = [text('system', 'be kind'), text('user', 'how many?')];
  assert.deepEqual(
    drawn(
      join(
        ['open', {}],
        ['request', asking(...first)],
        ['mask', { 'countersign.request': 1 }],
        ['response', { ...saying(1, text('assistant', 'I ')), 'countersign.continues': true }],
        ['response', saying(1, call('call_1'))],
        ['request', { 'countersign.likely_tool_calls': ['call_1'] }, 'shop'],
        ['response', { 'countersign.request': 5 }, 'shop'],
        ['request', asking(...first, call('call_1'), result('call_1'))],
        ['response', saying(7, text('assistant', 'one'))],
        ['event', {}],
      ),
    ),
    [
      0,
      {
        request: 1,
        others: [2],
        answers: [3, 4],
        asked: ['system', 'user'],
        caused: { call_1: [{ request: 5, others: [], answers: [6] }] },
      },
      { request: 7, others: [], answers: [8], asked: ['tool'], caused: {} },
      9,
    ],
  );
});

test('a client that sends other messages than before is shown with all of them, and calls of the same id belong to the later turn', () => {
  const items = join(
    ['request', asking(text('user', 'one'))],
    ['response', saying(0, call('same'))],
    ['request', asking(text('user', 'two'))],
    ['response', saying(2, call('same'))],
    ['request', { 'gen_ai.tool.call.id': ['same'] }, 'tools'],
  );
  assert.deepEqual(drawn(items), [
    { request: 0, others: [], answers: [1], asked: ['user'], caused: { same: [] } },
    { request: 2, others: [], answers: [3], asked: ['user'], caused: { same: [{ request: 4, others: [], answers: [] }] } },
  ]);
});

test('records that refer to what is not there, and messages of any form, are shown as they are', () => {
  for (const messages of ['', 'no JSON', '{}', '[1, null]', '[{"role":7,"parts":[null,{"type":"image"},{}]}]', '[{"parts":{}}]']) {
    const items = join(
      ['response', { 'countersign.request': 99 }],
      ['request', { 'gen_ai.input.messages': messages }],
      ['response', { 'countersign.request': 1 }],
    );
    assert.equal(items.length, 2, messages);
  }
});

test('an act is in one place, whatever ids the calls of an answer have, how often it is answered and how deep acts are said to be', () => {
  const twice = join(
    ['request', asking(text('user', 'one'), call('same'))],
    ['response', saying(0, call('same'), call('same'))],
    ['request', { 'gen_ai.tool.call.id': ['same'] }, 'tools'],
    ['response', saying(0, text('assistant', 'no call'))],
  );
  const [turn] = twice.flatMap((item) => (item.is === 'act' && item.turn !== null ? [item.turn] : []));
  assert.deepEqual([twice.length, turn?.replied?.length], [1, 3]);
  const parts = [...(turn?.asked ?? []), ...(turn?.replied ?? [])].flatMap((message) => message.parts);
  assert.deepEqual(
    parts.map((part) => (part.is === 'call' ? turn?.caused.get(part)?.length : null)),
    [null, undefined, 0, 1, null],
  );
  const chain = Array.from({ length: 1_000 }, (_, at): readonly Brief[] => [
    ['request', { ...asking(text('user', String(at))), 'gen_ai.tool.call.id': [`call_${at - 1}`] }],
    ['response', saying(2 * at, call(`call_${at}`))],
  ]).flat();
  const depthOf = (item: Item): number => (item.is !== 'act' ? 0 : 1 + Math.max(0, ...[...(item.turn?.caused.values() ?? [])].flat().map(depthOf)));
  assert.equal(Math.max(...join(...chain).map(depthOf)), 9);
});

test('what a client says that the model has said is shown, unless the model has said it', () => {
  const asked = (message: object): unknown =>
    drawn(
      join(
        ['request', asking(text('user', 'may I?'))],
        ['response', saying(0, text('assistant', 'No.'))],
        ['request', asking(text('user', 'may I?'), message)],
      ),
    );
  assert.match(JSON.stringify(asked(text('assistant', 'Yes.'))), /"asked":\["assistant"\]/);
  assert.match(JSON.stringify(asked(text('assistant', ' No.\n'))), /"asked":\[\]/);
});

test('the output of a program is in one piece until something else happens', () => {
  const printed: Brief = ['response', { 'countersign.continues': true }, 'output'];
  assert.deepEqual(drawn(join(printed, printed, ['request', {}, 'shop'], printed)), [
    { output: [0, 1] },
    { request: 2, others: [], answers: [] },
    { output: [3] },
  ]);
});

test('an item to which something is added is another object, also under a tool call; all others stay', () => {
  const asks = JSON.stringify([text('user', 'How many?')]);
  const calls = JSON.stringify([call('c')]);
  const timeline = new JoinedTimeline();
  const snapshots = records([
    ['request', {}, 'shop'],
    ['request', { 'gen_ai.input.messages': asks }],
    ['response', { 'countersign.request': 1, 'gen_ai.output.messages': calls }],
    ['request', { 'gen_ai.tool.call.id': ['c'] }, 'shop'],
    ['response', { 'countersign.request': 3 }, 'shop'],
    ['mask', { 'countersign.request': 0 }],
    ['response', {}, 'output'],
    ['response', {}, 'output'],
  ]).map((record) => {
    timeline.add(record);
    return [...timeline.items];
  });
  const changed = snapshots.slice(1).map((items, at) => items.flatMap((item, place) => (item === snapshots[at]?.[place] ? [] : [place])));
  assert.deepEqual(changed, [[1], [1], [1], [1], [0], [2], [2]]);
});
