import assert from 'node:assert/strict';
import { Session } from 'node:inspector';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { JsonEnd } from './json-end.ts';
import { AnswerDraft } from './answer-draft.ts';
import { awsEvent } from './testdata/aws-messages.ts';
import { readAnswer } from './testdata/fixtures.ts';

const sse = 'text/event-stream';

interface Shape {
  readonly name: string;
  readonly events: readonly object[];
  /** As name, arguments, id. */
  readonly calls?: readonly (readonly [string, string, string])[];
}

const twoWithIds = [
  ['get', '{"a":1}', 'A'],
  ['get', '{"b":2}', 'B'],
] as const;
const twoWithout = [
  ['get', '{"a":1}', ''],
  ['get', '{"b":2}', ''],
] as const;

function check(path: string, type: string, { events, calls = twoWithIds }: Shape, bodies: readonly Buffer[]): void {
  const { facts } = readAnswer(path, { type }, bodies);
  const names = facts['gen_ai.tool.name'];
  const read = (Array.isArray(names) ? names : []).map((name, i) => [
    name,
    [facts['gen_ai.tool.call.arguments']].flat()[i],
    [facts['gen_ai.tool.call.id']].flat()[i],
  ]);
  assert.deepEqual(read, calls, JSON.stringify(events));
}

function eventsOf(list: readonly object[]): readonly Buffer[] {
  return list.map((event) => Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
}

/** A delta of Chat Completions with these calls. */
function delta(...calls: readonly object[]): object {
  return { id: 'c', model: 'm', choices: [{ index: 0, delta: { tool_calls: calls } }] };
}

const call = (rest: object, name: string | undefined, text: string): object => ({
  ...rest,
  function: { ...(name === undefined ? {} : { name }), arguments: text },
});

const chat: readonly Shape[] = [
  {
    name: 'as OpenAI does',
    events: [
      delta(call({ index: 0, id: 'A' }, 'get', '')),
      delta(call({ index: 0 }, undefined, '{"a":1}')),
      delta(call({ index: 1, id: 'B' }, 'get', '')),
      delta(call({ index: 1 }, undefined, '{"b":2}')),
    ],
  },
  {
    name: 'index missing, ids at the beginning',
    events: [
      delta(call({ id: 'A' }, 'get', '{"a"')),
      delta(call({}, undefined, ':1}')),
      delta(call({ id: 'B' }, 'get', '')),
      delta(call({}, undefined, '{"b":2}')),
    ],
  },
  { name: 'index always 0, whole calls', events: [delta(call({ index: 0, id: 'A' }, 'get', '{"a":1}')), delta(call({ index: 0, id: 'B' }, 'get', '{"b":2}'))] },
  {
    name: 'index always 0, ids empty, whole calls',
    events: [delta(call({ index: 0, id: '' }, 'get', '{"a":1}')), delta(call({ index: 0, id: '' }, 'get', '{"b":2}'))],
    calls: twoWithout,
  },
  {
    name: 'neither index nor id, in pieces',
    events: [delta(call({}, 'get', '{"a"')), delta(call({}, undefined, ':1}')), delta(call({}, undefined, '{"b"')), delta(call({}, undefined, ':2}'))],
    calls: twoWithout,
  },
  {
    name: 'neither index nor id, other names',
    events: [delta(call({}, 'get', '')), delta(call({}, 'put', '{"b":2}'))],
    calls: [
      ['get', '', ''],
      ['put', '{"b":2}', ''],
    ],
  },
  { name: 'index empty', events: [delta(call({ index: '', id: 'A' }, 'get', '{"a":1}')), delta(call({ index: '', id: 'B' }, 'get', '{"b":2}'))] },
  {
    name: 'id and name repeated in each piece, interleaved, index always 0',
    events: [
      delta(call({ index: 0, id: 'A' }, 'get', '{"a"')),
      delta(call({ index: 0, id: 'B' }, 'get', '{"b"')),
      delta(call({ index: 0, id: 'A' }, 'get', ':1}')),
      delta(call({ index: 0, id: 'B' }, 'get', ':2}')),
    ],
  },
  { name: 'both in one delta, without index', events: [delta(call({ id: 'A' }, 'get', '{"a":1}'), call({ id: 'B' }, 'get', '{"b":2}'))] },
  {
    name: 'white space and an empty piece behind whole arguments begin nothing',
    events: [
      delta(call({ index: 0, id: 'A' }, 'get', '{"a":1}')),
      delta(call({ index: 0 }, 'get', '')),
      delta(call({ index: 0 }, undefined, '\n')),
      delta(call({ index: 1, id: 'B' }, 'get', '{"b":2}')),
    ],
    calls: [
      ['get', '{"a":1}\n', 'A'],
      ['get', '{"b":2}', 'B'],
    ],
  },
  {
    name: 'braces in a string end nothing',
    events: [delta(call({ index: 0, id: 'A' }, 'get', '{"a":"}')), delta(call({ index: 0 }, undefined, '{"}'))],
    calls: [['get', '{"a":"}{"}', 'A']],
  },
];

const added = (item: object, at?: number): object => ({ type: 'response.output_item.added', ...(at === undefined ? {} : { output_index: at }), item });
const argued = (item: string | undefined, text: string, at?: number): object => ({
  type: 'response.function_call_arguments.delta',
  ...(item === undefined ? {} : { item_id: item }),
  ...(at === undefined ? {} : { output_index: at }),
  delta: text,
});
const item = (id: string, callId: string): object => ({ type: 'function_call', id, call_id: callId, name: 'get' });

const responses: readonly Shape[] = [
  { name: 'as OpenAI does', events: [added(item('i1', 'A'), 0), added(item('i2', 'B'), 1), argued('i1', '{"a":1}', 0), argued('i2', '{"b":2}', 1)] },
  { name: 'without output_index', events: [added(item('i1', 'A')), added(item('i2', 'B')), argued('i1', '{"a":1}'), argued('i2', '{"b":2}')] },
  { name: 'output_index always 0', events: [added(item('i1', 'A'), 0), added(item('i2', 'B'), 0), argued('i1', '{"a":1}', 0), argued('i2', '{"b":2}', 0)] },
  {
    name: 'output_index alone',
    events: [added(item('i1', 'A'), 0), added(item('i2', 'B'), 1), argued(undefined, '{"a":1}', 0), argued(undefined, '{"b":2}', 1)],
  },
];

const started = (id: string | undefined, at?: number): object => ({
  type: 'content_block_start',
  ...(at === undefined ? {} : { index: at }),
  content_block: { type: 'tool_use', ...(id === undefined ? {} : { id }), name: 'get', input: {} },
});
const pieced = (text: string, at?: number): object => ({
  type: 'content_block_delta',
  ...(at === undefined ? {} : { index: at }),
  delta: { type: 'input_json_delta', partial_json: text },
});

const anthropic: readonly Shape[] = [
  { name: 'as Anthropic does', events: [started('A', 0), pieced('{"a":1}', 0), started('B', 1), pieced('{"b":2}', 1)] },
  { name: 'without index', events: [started('A'), pieced('{"a"'), pieced(':1}'), started('B'), pieced('{"b":2}')] },
  { name: 'without index and ids', events: [started(undefined), pieced('{"a":1}'), started(undefined), pieced('{"b":2}')], calls: twoWithout },
  {
    name: 'index always 0, ids empty, the first without arguments',
    events: [started('', 0), started('', 0), pieced('{"b":2}', 0)],
    calls: [
      ['get', '', ''],
      ['get', '{"b":2}', ''],
    ],
  },
];

const functionCall = (id: string | undefined, args: object): object => ({ functionCall: { ...(id === undefined ? {} : { id }), name: 'get', args } });
const candidate = (...parts: readonly object[]): object => ({ candidates: [{ content: { role: 'model', parts } }] });

const gemini: readonly Shape[] = [
  { name: 'both in one piece', events: [candidate(functionCall('A', { a: 1 }), functionCall('B', { b: 2 }))] },
  { name: 'one a piece, without ids', events: [candidate(functionCall(undefined, { a: 1 })), candidate(functionCall(undefined, { b: 2 }))], calls: twoWithout },
];

const said = (...calls: readonly object[]): object => ({ model: 'm', message: { role: 'assistant', content: '', tool_calls: calls }, done: false });
const ollamaCall = (args: object): object => ({ function: { name: 'get', arguments: args } });
const ollama: readonly Shape[] = [
  { name: 'both in one line', events: [said(ollamaCall({ a: 1 }), ollamaCall({ b: 2 }))], calls: twoWithout },
  { name: 'one a line', events: [said(ollamaCall({ a: 1 })), said(ollamaCall({ b: 2 }))], calls: twoWithout },
];

const blockStart = (id: string, at?: number): Buffer =>
  awsEvent('contentBlockStart', { ...(at === undefined ? {} : { contentBlockIndex: at }), start: { toolUse: { toolUseId: id, name: 'get' } } });
const blockDelta = (input: string, at?: number): Buffer =>
  awsEvent('contentBlockDelta', { ...(at === undefined ? {} : { contentBlockIndex: at }), delta: { toolUse: { input } } });

describe('parallel calls in a stream', () => {
  test('T4.21: Chat Completions', () => {
    for (const shape of chat) {
      check('/v1/chat/completions', sse, shape, eventsOf(shape.events));
    }
  });

  test('T4.21: Responses', () => {
    for (const shape of responses) {
      check('/v1/responses', sse, shape, eventsOf(shape.events));
    }
  });

  test('T4.21: Anthropic', () => {
    for (const shape of anthropic) {
      check('/v1/messages', sse, shape, eventsOf(shape.events));
    }
  });

  test('T4.21: Gemini', () => {
    for (const shape of gemini) {
      check('/v1beta/models/m:streamGenerateContent', sse, shape, eventsOf(shape.events));
    }
  });

  test('T4.21: Ollama', () => {
    for (const shape of ollama) {
      check(
        '/api/chat',
        'application/x-ndjson',
        shape,
        shape.events.map((event) => Buffer.from(`${JSON.stringify(event)}\n`)),
      );
    }
  });

  test('T4.21: Bedrock', () => {
    const type = 'application/vnd.amazon.eventstream';
    const indexed = [blockStart('A', 0), blockDelta('{"a":1}', 0), blockStart('B', 1), blockDelta('{"b":2}', 1)];
    const plain = [blockStart('A'), blockDelta('{"a":1}'), blockStart('B'), blockDelta('{"b":2}')];
    check('/model/m/converse-stream', type, { name: 'as Bedrock does', events: [] }, indexed);
    check('/model/m/converse-stream', type, { name: 'without index', events: [] }, plain);
  });
});

test('the end of JSON is found in any pieces, and not before', () => {
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.array(fc.jsonValue())), fc.nat(5), (value, size) => {
      const text = JSON.stringify(value);
      const end = new JsonEnd();
      for (let at = 0; at < text.length; at += size + 1) {
        assert.equal(end.isOver, false);
        end.push(text.slice(at, at + size + 1));
      }
      assert.equal(end.isOver, true);
    }),
  );
});

test('T4.45, D31: a piece of a call costs the same however many calls the answer has', () => {
  const pieces = 10_000;
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const draft = new AnswerDraft({ text: 1024, arguments: 1024 * 1024 });
  for (let i = 0; i < pieces; i += 1) {
    draft.call(0, `${i}`, { id: `call_${i}`, name: 'get', arguments: '{}', item: `item_${i}` });
  }
  let calls = 0;
  session.post('Profiler.takePreciseCoverage', (_, { result }) => {
    const ours = result.filter(({ url }) => url.endsWith('/answer-draft.ts')).flatMap(({ functions }) => functions);
    calls = ours.reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
  });
  session.disconnect();
  assert.ok(calls > pieces && calls < pieces * 50, `${calls} calls of functions`);
});
