import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readAnswer } from '../../exchange/reading.ts';
import { readRequest } from './reading.ts';
import type { AnswerFollower } from './answer.ts';
import { post, request } from './testdata/requests.ts';

const json = [['content-type', 'application/json; charset=utf-8']] as const;
const events = [['content-type', 'text/event-stream']] as const;

/** An answer to a call of a tool, in pieces of this many bytes. */
function follow(answer: AnswerFollower, text: string | Uint8Array, headers: readonly (readonly [string, string])[] = json, pieceBytes = 1000): AnswerFollower {
  const bytes = Buffer.from(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) => bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes));
  readAnswer(answer, { status: 200, headers }, pieces);
  return answer;
}

const call = (): AnswerFollower => post(request('tools/call', { name: 'search' }, 7)).answer;
const list = (params = {}): AnswerFollower => post(request('tools/list', params, 7)).answer;
const stream = (): AnswerFollower => readRequest({ method: 'GET', path: '/', headers: [] }, new Uint8Array()).answer;
const result = (value: object, id: number | null = 7): string => JSON.stringify({ jsonrpc: '2.0', id, result: value });
const failure = (code: number, id: number | null = 7): string => JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'no' } });
const event = (data: string): string => `event: message\nid: 1\ndata: ${data}\n\n`;

describe('outcomes', () => {
  test('of a call', () => {
    for (const [text, facts] of [
      [result({ content: [] }), { 'countersign.outcome': 'result' }],
      [result({ content: [], isError: true }), { 'countersign.outcome': 'tool_error', 'error.type': 'tool_error' }],
      [failure(-32602), { 'countersign.outcome': 'error', 'rpc.response.status_code': '-32602', 'error.type': '-32602' }],
      [failure(-32700, null), { 'countersign.outcome': 'error', 'rpc.response.status_code': '-32700', 'error.type': '-32700' }],
      [result({}, 8), { 'countersign.outcome': 'none' }],
      [`\ufeff${result({})}`, { 'countersign.outcome': 'result' }],
      [result({}).replace('7', '"7"'), { 'countersign.outcome': 'result' }],
      ['', { 'countersign.outcome': 'none' }],
      ['{"jsonrpc"', { 'countersign.outcome': 'unread', 'countersign.unread_messages': 1, 'countersign.is_whole': false }],
      ['<html>', { 'countersign.outcome': 'unread', 'countersign.unread_messages': 1, 'countersign.is_whole': false }],
      [result({ content: [], same: 1 }).replace('same', 'content'), { 'countersign.outcome': 'result' }],
    ] as const) {
      const answer = follow(call(), text);
      assert.deepEqual(answer.facts(), facts, text);
      assert.deepEqual(answer.facts(), facts);
    }
    assert.deepEqual(follow(call(), '<html>', [['content-type', 'text/html']]).facts(), { 'countersign.outcome': 'none' });
    assert.deepEqual(call().facts(), { 'countersign.outcome': 'none' });
  });

  test('of a stream, however it is cut', () => {
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: {} };
    const text = `: hello\n\nid: 0\ndata:\n\n${event(JSON.stringify(progress))}${event(failure(1, 6))}${event(result({ content: [] }))}`;
    for (const pieceBytes of [1, 3, 1000]) {
      assert.deepEqual(follow(call(), text, events, pieceBytes).facts(), { 'countersign.outcome': 'result' });
    }
    assert.deepEqual(follow(call(), text.slice(0, -1), events).facts(), { 'countersign.outcome': 'none' });
    assert.deepEqual(follow(call(), event('x'), events).facts(), {
      'countersign.outcome': 'unread',
      'countersign.unread_messages': 1,
      'countersign.is_whole': false,
    });
  });

  test('of a message that has no answer: none is expected', () => {
    const { answer } = post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    assert.deepEqual(follow(answer, '', []).facts(), {});
  });

  test('an answer past the limit is said to be unread', () => {
    const text = result({ content: [{ type: 'text', text: 'x'.repeat(16 * 1024 * 1024) }] });
    const facts = { 'countersign.outcome': 'unread', 'countersign.unread_messages': 1, 'countersign.is_whole': false };
    assert.deepEqual(follow(call(), text, json, 65_536).facts(), facts);
    assert.deepEqual(follow(call(), event(text), events, 65_536).facts(), facts);
  });

  test('initialize gives the session and the revision', () => {
    const { answer } = post(request('initialize', { protocolVersion: '2025-11-25' }, 7));
    const headers = [...json, ['mcp-session-id', 's-1']] as const;
    assert.deepEqual(follow(answer, result({ protocolVersion: '2025-06-18' }), headers).facts(), {
      'countersign.outcome': 'result',
      'mcp.protocol.version': '2025-06-18',
      'mcp.session.id': 's-1',
    });
    assert.deepEqual(follow(call(), result({}), headers).facts(), { 'countersign.outcome': 'result' });
  });
});

describe('what the server asks for', () => {
  test('on its streams', () => {
    const text = ['sampling/createMessage', 'elicitation/create', 'sampling/createMessage', 'evil/method'].map((method) =>
      event(JSON.stringify(request(method))),
    );
    assert.deepEqual(follow(stream(), text.join(''), events).facts(), { 'countersign.server_requests': ['mcp.sample', 'mcp.elicit', 'mcp.unknown'] });
  });

  test('within a result', () => {
    const asked = { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' }, b: { method: 5 }, c: 'x' }, requestState: 'x' };
    assert.deepEqual(follow(call(), result(asked)).facts(), {
      'countersign.outcome': 'input_required',
      'countersign.server_requests': ['mcp.list_roots', 'mcp.unknown'],
    });
  });
});

describe('D38: lists of tools', () => {
  const tools = [{ name: 'a', inputSchema: {} }, { name: 'b' }];

  test('are facts and are given for comparing', () => {
    const answer = follow(list(), result({ tools }));
    const facts = answer.facts();
    assert.equal(facts['countersign.tools'], 2);
    assert.match(String(facts['countersign.tool_digests']), /^a [0-9a-f]{64},b [0-9a-f]{64}$/);
    assert.deepEqual([...(answer.toolList?.tools.keys() ?? [])], ['a', 'b']);
    assert.equal(answer.toolList?.isWhole, true);
    assert.equal(call().toolList, null);
  });

  test('one page of several does not show which tools were removed', () => {
    assert.equal(follow(list({ cursor: 'x' }), result({ tools })).toolList?.isWhole, false);
    assert.equal(follow(list(), result({ tools, nextCursor: 'x' })).toolList?.isWhole, false);
  });

  test('a resumed stream may bring one', () => {
    assert.equal(follow(stream(), event(result({ tools })), events).toolList?.tools.size, 2);
    assert.equal(follow(call(), result({ tools, content: [] })).toolList, null);
  });

  test('one that cannot be read is said to be so', () => {
    assert.deepEqual(follow(list(), result({ tools: [{}, 5, { name: 'a' }] })).facts()['countersign.unread_tools'], 2);
    assert.equal(follow(list(), `${result({ tools })}x`).facts()['countersign.outcome'], 'unread');
  });
});

test('any bytes in any pieces give facts', () => {
  const seeds = [result({ tools: [{ name: 'a' }] }), failure(1), event(result({ content: [] })), event(JSON.stringify(request('ping')))];
  const texts = fc.oneof(
    fc.uint8Array(),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 7, result: value }))),
    fc
      .tuple(fc.constantFrom(...seeds), fc.nat(), fc.string())
      .map(([text, at, part]) => Buffer.from(text.slice(0, at % text.length) + part + text.slice(at % text.length))),
  );
  let outcomes = 0;
  fc.assert(
    fc.property(
      texts,
      fc.constantFrom(json, events, []),
      fc.integer({ min: 1, max: 50 }),
      fc.constantFrom(call, list, stream),
      (bytes, headers, pieceBytes, kind) => {
        outcomes += follow(kind(), bytes, headers, pieceBytes).facts()['countersign.outcome'] === 'result' ? 1 : 0;
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(outcomes > 20);
});
