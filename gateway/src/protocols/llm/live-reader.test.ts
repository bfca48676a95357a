import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../domain/action.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import { composeText } from '../../exchange/websocket/websocket-frames.ts';
import { LiveReader } from './live-reader.ts';
import { findLiveApi } from './live-apis.ts';
import { render } from './render.ts';

const paths = {
  responses: '/v1/responses',
  realtime: '/v1/realtime?model=m',
  gemini: '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
};

function readerOf(api: keyof typeof paths): LiveReader {
  const found = findLiveApi({ method: 'GET', path: paths[api], headers: [] }) ?? assert.fail('no such API');
  return new LiveReader({
    head: { method: 'GET', path: '', headers: [] },
    heardBytesMax: 1_000_000_000,
    shape: found.shape,
    attributes: {},
    ids: null,
    isFor: null,
  });
}

function ask(api: keyof typeof paths, message: object): Action {
  return readerOf(api).ask(Buffer.from(JSON.stringify(message)));
}

const said: readonly (readonly [keyof typeof paths, object, string, boolean])[] = [
  ['responses', { type: 'response.create', model: 'm', instructions: 'a', input: 'b' }, 'system a, user b', true],
  ['responses', { type: 'response.steer', input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'c' }] }] }, 'user c', true],
  ['realtime', { type: 'session.update', session: { instructions: 'd' } }, 'system d', true],
  ['realtime', { type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'e' }] } }, 'user e', true],
  [
    'realtime',
    { type: 'response.create', response: { instructions: 'f', input: [{ type: 'function_call_output', call_id: 'x', output: 'g' }] } },
    'system f, tool g',
    true,
  ],
  ['realtime', { type: 'input_audio_buffer.append', audio: 'AAAA' }, '', false],
  ['gemini', { setup: { model: 'models/m', systemInstruction: { parts: [{ text: 'h' }] } } }, 'system h', true],
  ['gemini', { client_content: { turns: [{ role: 'user', parts: [{ text: 'i' }] }] } }, 'user i', true],
  ['gemini', { realtimeInput: { text: 'j', audio: { mimeType: 'audio/pcm', data: 'AAAA' } } }, 'user j', false],
  ['gemini', { toolResponse: { functionResponses: [{ id: 'x', name: 'n', response: { k: 1 } }] } }, 'tool {"k":1}', true],
];

for (const [api, message, expected, isWhole] of said) {
  test(`T4.25: policy sees the text of a message over WebSocket: ${api} ${expected}`, () => {
    const { name, text } = ask(api, message);
    assert.notEqual(name, 'unknown');
    const { pieces = [], isWhole: isAll } = text?.() ?? {};
    assert.equal(pieces.map(({ role, text: words }) => `${role} ${words}`).join(', '), expected);
    assert.equal(isAll, isWhole);
  });
}

test('T4.25: a message of a kind that is not known is unknown, and one that may be read in two ways is refused', () => {
  assert.equal(ask('responses', { type: 'response.create', response: { model: 'hidden' } }).name, 'unknown');
  assert.equal(ask('realtime', { type: 'session.delete' }).name, 'unknown');
  assert.equal(ask('gemini', { contextUpdate: {} }).name, 'unknown');
  assert.throws(() => ask('responses', { type: 'response.create', Model: 'm' }), { code: 'malformed' });
  assert.throws(() => ask('gemini', { setup: { systemInstruction: {}, system_instruction: {} } }), { code: 'malformed' });
  assert.throws(() => readerOf('realtime').ask(Buffer.from([0xff, 0])), { code: 'malformed' });
});

test('T4.25: answers that run at the same time over one connection are told apart', () => {
  const reader = readerOf('responses');
  const hear = (event: object) => reader.hear(Buffer.from(JSON.stringify(event))).attributes;
  const call = { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'first', arguments: '{}' };
  hear({ type: 'response.output_item.done', output_index: 0, item: call, stream_id: 'a' });
  const other = hear({ type: 'response.completed', response: { id: 'resp_b', status: 'completed' }, stream_id: 'b' });
  const first = hear({ type: 'response.completed', response: { id: 'resp_a', status: 'completed' }, stream_id: 'a' });
  assert.deepEqual([other['gen_ai.tool.name'], first['gen_ai.tool.name']], [undefined, ['first']]);
});

test('T4.6: what the target did not say of the tokens when the connection ends is estimated, and what it said counts once', () => {
  const conversation = (api: keyof typeof paths) => {
    const reader = readerOf(api);
    const bytesOf = (message: object): Buffer => Buffer.from(JSON.stringify(message));
    return {
      deny: (message: object) => void reader.ask(bytesOf(message)),
      pass: (message: object) => {
        reader.ask(bytesOf(message));
        reader.passed();
      },
      /** Returns the tokens that the record of a message has. */
      hear: (event: object): readonly unknown[] =>
        Object.entries(reader.hear(bytesOf(event)).attributes).flatMap(([name, value]) => (name.startsWith('gen_ai.usage') ? [value] : [])),
      left: (): unknown => reader.left()['countersign.estimated_tokens'],
    };
  };
  const spoken = { type: 'response.output_audio_transcript.delta', response_id: 'r', output_index: 0, content_index: 0, delta: 'w'.repeat(40) };
  const created = { type: 'response.created', response: { id: 'r' } };
  const create = { type: 'response.create', response: { instructions: 'i'.repeat(20) } };
  const realtime = conversation('realtime');
  realtime.hear({ type: 'session.created', session: { model: 'm' } });
  realtime.pass({ type: 'input_audio_buffer.append', audio: 'A'.repeat(4000) });
  realtime.pass(create);
  assert.equal(realtime.left(), undefined, 'no answer has begun');
  realtime.hear(created);
  realtime.hear(spoken);
  realtime.deny({ type: 'response.create', response: { instructions: 'i'.repeat(2000) } });
  assert.deepEqual([realtime.left(), realtime.left()], [5 + 10, undefined]);

  const done = conversation('realtime');
  done.pass(create);
  done.hear(created);
  done.hear(spoken);
  assert.deepEqual(done.hear({ type: 'response.done', response: { id: 'r', status: 'completed', usage: { input_tokens: 3, output_tokens: 4 } } }), [3, 4]);
  assert.equal(done.left(), undefined);

  const responses = conversation('responses');
  responses.pass({ type: 'response.create', input: 'i'.repeat(20), model: 'm' });
  responses.hear({ type: 'response.created', response: { id: 'r' } });
  assert.equal(responses.left(), 5, 'the target has read what it was asked');

  const gemini = conversation('gemini');
  gemini.pass({ clientContent: { turns: [{ role: 'user', parts: [{ text: 'i'.repeat(20) }] }] } });
  const piece = { serverContent: { modelTurn: { parts: [{ text: 'w'.repeat(40) }] } } };
  const told = [piece, { usageMetadata: { promptTokenCount: 6, responseTokenCount: 7 } }, { serverContent: { turnComplete: true } }].map(gemini.hear);
  assert.deepEqual(told, [[], [6, 7], []]);
  gemini.hear(piece);
  gemini.hear({ serverContent: { turnComplete: true } });
  assert.equal(gemini.left(), 10);
});

const record = (seq: number, content: Uint8Array, rest: Partial<OpenedRecord>): OpenedRecord => ({
  session: 's',
  seq,
  timeMs: 0,
  kind: 'request',
  record: `g/${seq}`,
  meta: { channel: 0, request: 1 },
  channelFacts: null,
  governance: null,
  content,
  continues: false,
  withheld: null,
  ...rest,
});
const opening = record(1, Buffer.from('GET /base/v1/responses HTTP/1.1\r\nhost: h\r\n\r\n'), { meta: { channel: 0 } });

test('T4.25: a message in several records is shown in the last of them', () => {
  const text = 'w'.repeat(3_000);
  const bytes = composeText(JSON.stringify({ type: 'response.create', input: text }));
  const records = [
    opening,
    record(2, bytes.subarray(0, 1_000), { continues: true, meta: { channel: 0, request: 1, attributes: { 'countersign.websocket.opcode': 'text' } } }),
    record(3, bytes.subarray(1_000, 2_000), { continues: true }),
    record(4, bytes.subarray(2_000), {}),
  ];
  const shown = records.map((each) => render(each, (seq) => records.find((other) => other.seq === seq) ?? null).text);
  assert.match(shown[1] ?? '', /^\(a part of a message, 1000 bytes/);
  assert.equal(shown[3], `user: ${text}`);
});

test('T4.25: an answer is put together from all of its messages, also those in several records', () => {
  const text = 'w'.repeat(3_000);
  const long = composeText(JSON.stringify({ type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: text }));
  const end = composeText(JSON.stringify({ type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } }));
  const heard = { kind: 'response' } as const;
  const first = { ...heard, meta: { channel: 0, request: 1, attributes: { 'countersign.websocket.opcode': 'text' } } };
  const last = record(5, end, first);
  const records = [
    opening,
    record(2, long.subarray(0, 1_000), { ...first, continues: true }),
    record(3, long.subarray(1_000, 2_000), { ...heard, continues: true }),
    record(4, long.subarray(2_000), heard),
    last,
  ];
  const { attributes } = render(last, (seq) => records.find((other) => other.seq === seq) ?? null);
  assert.deepEqual(JSON.parse(String(attributes['gen_ai.output.messages'])), [
    { role: 'assistant', parts: [{ type: 'text', content: text }], finish_reason: 'completed' },
  ]);
});

test('a message over WebSocket has the effects of the tools that the connection has, also of those that were set before', () => {
  const effectsAfter = (api: keyof typeof paths, ...messages: readonly object[]): unknown => {
    const reader = readerOf(api);
    return messages.map((message) => reader.ask(Buffer.from(JSON.stringify(message))).attributes['countersign.effects']);
  };
  const [read, execute] = [['read'], ['execute', 'read']];
  const create = { type: 'response.create' };
  const withTools = (tools: readonly object[]): object => ({ type: 'session.update', session: { tools } });
  const taken = [create, withTools([{ type: 'mcp', server_label: 'crm' }]), create, withTools([]), create];
  assert.deepEqual(effectsAfter('realtime', ...taken), [read, execute, execute, execute, execute]);
  assert.deepEqual(effectsAfter('realtime', withTools([{ type: 'function', name: 'f' }]), create, { type: 'later' }), [read, read, ['unknown']]);
  assert.deepEqual(effectsAfter('gemini', { setup: { tools: [{ googleSearch: {} }] } }, { realtimeInput: { text: 'x' } }), [execute, execute]);
  assert.deepEqual(effectsAfter('responses', { ...create, tools: [{ type: 'web_search' }] }, { ...create, input: 'x' }), [execute, read]);
  const many = Array.from({ length: 2000 }, (_, i) => ({ type: 'mcp', server_label: `a${i}` }));
  const more = many.map((tool, i) => ({ ...tool, server_label: `b${i}` }));
  assert.throws(() => effectsAfter('realtime', withTools(many), withTools(more)), { code: 'limit_exceeded' });
});
