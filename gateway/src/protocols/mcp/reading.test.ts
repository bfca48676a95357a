import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../../domain/errors.ts';
import { GatewayError } from '../../domain/errors.ts';
import { actions } from './actions.ts';
import { readRequest } from './reading.ts';
import type { Headers } from './testdata/requests.ts';
import { post, request, statelessHeaders, statelessRequest } from './testdata/requests.ts';

function refuses(body: unknown, headers: Headers, code: ErrorCode, why: RegExp): void {
  assert.throws(
    () => post(body, headers),
    (error) => error instanceof GatewayError && error.code === code && why.test(error.message),
    JSON.stringify([body, headers]),
  );
}

describe('actions', () => {
  test('a tool call is its name and its arguments', () => {
    const { action } = post(request('tools/call', { name: 'search', arguments: { q: 'x', deep: [1, { a: null }] } }, 'a1'), {
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': 's-1',
    });
    assert.deepEqual(action, {
      name: 'mcp.call_tool',
      attributes: {
        // The call's real effects are known with the target's tools.
        'countersign.effects': ['destroy', 'unknown', 'write'],
        'jsonrpc.request.id': 'a1',
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'search',
        'gen_ai.tool.call.arguments': '{"q":"x","deep":[1,{"a":null}]}',
        'mcp.protocol.version': '2025-11-25',
        'mcp.session.id': 's-1',
      },
    });
  });

  test('each method has an action of the catalogue, and none of ours is harmless by default', () => {
    const names = new Set(actions.map(({ name }) => name));
    assert.equal(names.size, actions.length);
    for (const [body, name] of [
      [request('initialize', { protocolVersion: '2025-06-18' }), 'mcp.initialize'],
      [request('ping'), 'mcp.ping'],
      [request('tools/list', { cursor: 'x' }), 'mcp.list_tools'],
      [request('resources/templates/list'), 'mcp.list_resource_templates'],
      [request('logging/setLevel', { level: 'info' }), 'mcp.set_level'],
      [request('sampling/createMessage', {}), 'mcp.sample'],
      [request('elicitation/create', {}), 'mcp.elicit'],
      [request('tools/Call', { name: 'x' }), 'mcp.unknown'],
      [request('constructor'), 'mcp.unknown'],
      [request('__proto__'), 'mcp.unknown'],
      [{ jsonrpc: '2.0', method: 'notifications/initialized' }, 'mcp.initialized'],
      [{ jsonrpc: '2.0', method: 'notifications/x' }, 'mcp.unknown'],
      [{ jsonrpc: '2.0', id: 3, result: { action: 'accept' } }, 'mcp.answer'],
      [{ jsonrpc: '2.0', id: null, error: { code: -1, message: 'no' } }, 'mcp.answer'],
    ] as const) {
      assert.equal(post(body).action.name, name);
      assert.ok(names.has(name));
    }
  });

  test('each message has the effects of its method, one that is not known the worst', () => {
    const effects = (body: object): unknown => post(body).action.attributes['countersign.effects'];
    const anything = ['destroy', 'unknown', 'write'];
    for (const [body, expected] of [
      [request('initialize', { protocolVersion: '2025-06-18' }), ['read']],
      [request('tools/list'), ['read']],
      [request('resources/read', { uri: 'file:///a' }), ['read']],
      [request('completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: {} }), ['read']],
      [request('logging/setLevel', { level: 'info' }), ['administer']],
      [request('tasks/cancel', { taskId: 't' }), ['write']],
      [request('tasks/Cancel', { taskId: 't' }), anything],
      [request('__proto__'), anything],
      [{ jsonrpc: '2.0', method: 'notifications/x' }, anything],
      [{ jsonrpc: '2.0', id: 3, result: {} }, ['read']],
      [{ jsonrpc: '2.0', id: 3, result: { action: 'accept' } }, ['write']],
      [{ jsonrpc: '2.0', id: null, error: { code: -1, message: 'no' } }, ['read']],
    ] as const) {
      assert.deepEqual(effects(body), expected, JSON.stringify(body));
    }
    assert.deepEqual(
      effects([
        { jsonrpc: '2.0', id: 1, result: {} },
        { jsonrpc: '2.0', id: 2, result: { content: 'x' } },
      ]),
      ['write'],
    );
  });

  test('resources, prompts, completions and tasks say what they are about', () => {
    const attributes = (body: object): unknown => {
      const { 'countersign.effects': _, ...rest } = post(body).action.attributes;
      return rest;
    };
    const base = { 'jsonrpc.request.id': '1' };
    const ref = (reference: object): object => request('completion/complete', { ref: reference, argument: {} });
    for (const [body, expected] of [
      [request('resources/read', { uri: 'file:///a' }), { 'mcp.method.name': 'resources/read', 'mcp.resource.uri': 'file:///a' }],
      [request('prompts/get', { name: 'p' }), { 'mcp.method.name': 'prompts/get', 'gen_ai.prompt.name': 'p' }],
      [ref({ type: 'ref/prompt', name: 'p' }), { 'mcp.method.name': 'completion/complete', 'gen_ai.prompt.name': 'p' }],
      [ref({ type: 'ref/resource', uri: 'u' }), { 'mcp.method.name': 'completion/complete', 'mcp.resource.uri': 'u' }],
      [request('tasks/cancel', { taskId: 't' }), { 'mcp.method.name': 'tasks/cancel', 'countersign.task': 't' }],
      [request('tools/list', { name: 'x', uri: 'y' }), { 'mcp.method.name': 'tools/list' }],
    ] as const) {
      assert.deepEqual(attributes(body), { ...base, ...expected });
    }
    for (const method of ['tools/call', 'prompts/get', 'resources/read', 'resources/subscribe', 'tasks/get']) {
      refuses(request(method), {}, 'malformed', /no (name|uri|taskId)/);
      refuses(request(method, { name: 5, uri: [], taskId: null }), {}, 'malformed', /not text/);
      refuses(request(method, { name: '\ud800', uri: '\ud800', taskId: '\ud800' }), {}, 'malformed', /not text/);
    }
  });

  test('the trace of the caller is taken from _meta, and only a trace', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    assert.equal(post(request('ping', { _meta: { traceparent } })).action.attributes['countersign.traceparent'], traceparent);
    for (const other of [`${traceparent}\r\nx: y`, 'x', 5, traceparent.toUpperCase()]) {
      assert.equal(post(request('ping', { _meta: { traceparent: other } })).action.attributes['countersign.traceparent'], undefined);
    }
  });

  test('A12: numbers are those that are sent, not those that a double holds', () => {
    const { attributes } = post(
      '{"jsonrpc":"2.0","id":123456789012345678901,"method":"tools/call","params":{"name":"pay","arguments":{"to": 9007199254740993, "sum":1.10}}}',
    ).action;
    assert.equal(attributes['gen_ai.tool.call.arguments'], '{"to":9007199254740993,"sum":1.10}');
    assert.equal(attributes['jsonrpc.request.id'], '123456789012345678901');
    const batch = post('[{"jsonrpc":"2.0","id":-9007199254740993,"result":{}},{"jsonrpc":"2.0","id":4,"result":{"id":1e99}}]');
    assert.deepEqual(batch.action.attributes['jsonrpc.request.id'], ['-9007199254740993', '4']);
    refuses('{"jsonrpc":"2.0","id":1.5,"method":"ping"}', {}, 'malformed', /whole number/);
    refuses('{"jsonrpc":"2.0","id":1e999,"method":"ping"}', {}, 'malformed', /whole number/);
  });

  test('large arguments are left to the content, also when only their writing is large', () => {
    const call = (args: string): unknown => {
      const { attributes } = post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":${args}}}}`).action;
      const { 'gen_ai.tool.call.arguments': json, 'countersign.arguments_fit': fit } = attributes;
      assert.equal(fit, json === undefined ? false : undefined);
      return json;
    };
    assert.equal(call('1'), '{"a":1}');
    assert.equal(call(`"${'ä'.repeat(1020)}"`), `{"a":"${'ä'.repeat(1020)}"}`);
    assert.equal(call(`"${'ä'.repeat(1021)}"`), undefined);
    assert.equal(call(`1.${'0'.repeat(3000)}`), undefined);
    const { attributes } = post(request('tools/call', { name: 't' })).action;
    assert.deepEqual([attributes['gen_ai.tool.call.arguments'], attributes['countersign.arguments_fit']], [undefined, undefined]);
  });

  test('names have a limit', () => {
    refuses(request('tools/call', { name: 'x'.repeat(4097) }), {}, 'limit_exceeded', /longer/);
    refuses(request('x'.repeat(4097)), {}, 'limit_exceeded', /longer/);
    refuses(request('ping', {}, 'x'.repeat(4097)), {}, 'limit_exceeded', /longer/);
  });
});

describe('what is no message', () => {
  test('is refused', () => {
    for (const body of [
      '',
      '5',
      '[]',
      'null',
      '[[]]',
      {},
      { jsonrpc: '2.0' },
      { jsonrpc: '1.0', id: 1, method: 'ping' },
      { jsonrpc: 2, id: 1, method: 'ping' },
      { id: 1, method: 'ping' },
      request('ping', []),
      { jsonrpc: '2.0', id: 1, method: 'ping', params: null },
      { jsonrpc: '2.0', id: null, method: 'ping' },
      { jsonrpc: '2.0', id: {}, method: 'ping' },
      { jsonrpc: '2.0', id: true, method: 'ping' },
      { jsonrpc: '2.0', id: 1, method: 5 },
      { jsonrpc: '2.0', id: 1, method: 'ping', result: {} },
      { jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: '' } },
      { jsonrpc: '2.0', id: 1, error: { code: '1', message: '' } },
      { jsonrpc: '2.0', result: {} },
      { jsonrpc: '2.0', id: 1, result: 5 },
    ]) {
      refuses(body, {}, 'malformed', /./);
    }
  });

  test('A12: keys that a server may read in another way are refused', () => {
    for (const body of [
      '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
      '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
      '{"jsonrpc":"2.0","ID":1,"method":"ping"}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","Params":{"name":"x"}}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","ARGUMENTS":{}}}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","argument\u017f":{}}}',
      '[{"jsonrpc":"2.0","method":"x","Params":{}}]',
    ]) {
      refuses(body, {}, 'malformed', /key/);
    }
  });

  test('a message is JSON by its type, sent once, in UTF-8', () => {
    for (const type of ['text/plain', 'application/json; charset=utf-16', 'application/jsonp', 'application/x-www-form-urlencoded', '']) {
      refuses(request('ping'), { 'content-type': type }, 'malformed', /application\/json/);
    }
    for (const type of ['application/json', 'Application/JSON;charset="UTF-8"', ' application/json ; charset=utf-8 ']) {
      assert.equal(post(request('ping'), { 'content-type': type }).action.name, 'mcp.ping');
    }
    const twice = [
      ['content-type', 'application/json'],
      ['content-type', 'application/json'],
    ] as const;
    assert.throws(() => readRequest({ method: 'POST', path: '', headers: twice }, Buffer.from(JSON.stringify(request('ping')))), /more than once/);
    refuses(request('ping'), { 'x-http-method-override': 'DELETE' }, 'malformed', /asks for another/);
  });
});

describe('batches', () => {
  const notification = { jsonrpc: '2.0', method: 'notifications/progress', params: {} };

  test('are of one revision', () => {
    assert.equal(post([request('ping')]).action.name, 'mcp.ping');
    assert.equal(post([request('ping')], { 'mcp-protocol-version': '2025-03-26' }).action.name, 'mcp.ping');
    for (const version of ['2025-06-18', '2025-11-25', '2026-07-28']) {
      refuses([request('ping')], { 'mcp-protocol-version': version }, 'unsupported', /no batches/);
    }
  });

  test('B22: a batch is no way past a decision: requests come one by one', () => {
    refuses([request('ping'), request('tools/call', { name: 'x' }, 2)], {}, 'unsupported', /one by one/);
    refuses([request('tools/call', { name: 'a' }), request('tools/call', { name: 'b' }, 2)], {}, 'unsupported', /one by one/);
    refuses([notification, request('ping')], {}, 'unsupported', /one by one/);
    const unanswered = (name: string): object => ({ jsonrpc: '2.0', method: 'tools/call', params: { name } });
    refuses([unanswered('a'), unanswered('b')], {}, 'unsupported', /one by one/);
    refuses(
      [
        { jsonrpc: '2.0', method: 'x/y' },
        { jsonrpc: '2.0', method: 'x/y' },
      ],
      {},
      'unsupported',
      /one by one/,
    );
    refuses([notification, { jsonrpc: '2.0', method: 'notifications/initialized' }], {}, 'unsupported', /one by one/);
    refuses([notification, { jsonrpc: '2.0', id: 1, result: {} }], {}, 'unsupported', /one by one/);
    assert.equal(post([notification, notification]).action.name, 'mcp.report_progress');
    assert.equal(post([request('tools/call', { name: 'a', arguments: { b: 1 } })]).action.attributes['gen_ai.tool.call.arguments'], '{"b":1}');
    refuses(
      Array.from({ length: 101 }, () => notification),
      {},
      'limit_exceeded',
      /at most 100/,
    );
  });
});

describe('revisions and headers', () => {
  test('a revision that is not known is refused', () => {
    for (const version of ['2024-11-05', '2027-01-01', '', '2025-06-18, 2025-11-25']) {
      refuses(request('ping'), { 'mcp-protocol-version': version }, 'unsupported', /revision/);
    }
  });

  test('in 2026-07-28 the headers repeat the message', () => {
    const call = statelessRequest('tools/call', { name: 'search', arguments: { region: 'eu', n: 42, on: true } });
    const headers = statelessHeaders('tools/call', 'search');
    assert.equal(post(call, headers).action.attributes['mcp.protocol.version'], '2026-07-28');
    assert.equal(post(call, { ...headers, 'mcp-session-id': 'x' }).action.attributes['mcp.session.id'], undefined);
    assert.equal(post(statelessRequest('tools/list'), statelessHeaders('tools/list')).action.name, 'mcp.list_tools');
    assert.equal(post(statelessRequest('server/discover'), statelessHeaders('server/discover')).action.name, 'mcp.discover');
    refuses(call, {}, 'malformed', /mcp-protocol-version/);
    refuses(call, { ...headers, 'mcp-protocol-version': '2025-11-25' }, 'malformed', /mcp-protocol-version/);
    refuses(call, { 'mcp-protocol-version': '2026-07-28', 'mcp-name': 'search' }, 'malformed', /mcp-method/);
    refuses(call, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }, 'malformed', /mcp-name/);
    refuses({ jsonrpc: '2.0', id: 1, result: {} }, { 'mcp-protocol-version': '2026-07-28' }, 'unsupported', /inputResponses/);
    const version = { 'io.modelcontextprotocol/protocolVersion': { toString: 5 } };
    refuses(request('ping', { _meta: version }), { 'mcp-protocol-version': '2026-07-28' }, 'malformed', /mcp-protocol-version/);
  });

  test('A12, A13: headers that are not what the body says are refused in every revision', () => {
    const call = request('tools/call', { name: 'search', arguments: { region: 'eu', place: { city: ' Köln' }, n: 42, list: ['us'] } });
    for (const version of ['2025-03-26', '2025-11-25', '2026-07-28']) {
      const headers = { ...statelessHeaders('tools/call', 'search'), 'mcp-protocol-version': version };
      assert.ok(post(call, { ...headers, 'mcp-param-region': 'eu', 'mcp-param-n': '42.0', 'mcp-param-city': '=?base64?IEvDtmxu?=' }));
      assert.ok(post(call, { ...headers, 'mcp-name': '=?base64?c2VhcmNo?=' }));
      for (const wrong of [
        { 'mcp-method': 'tools/list' },
        { 'mcp-method': 'Tools/Call' },
        { 'mcp-name': 'delete' },
        { 'mcp-name': 'Search' },
        { 'mcp-name': '=?base64?c2VhcmNo=?=' },
        { 'mcp-name': '=?base64?/w==?=' },
        { 'mcp-param-region': 'us' },
        { 'mcp-param-x': '=?base64?dXM=?=' },
        { 'mcp-param-x': '[object Object]' },
      ]) {
        refuses(call, { ...headers, ...wrong }, 'malformed', /header/);
      }
      refuses(request('ping'), { 'mcp-protocol-version': version, 'mcp-method': 'ping', 'mcp-param-x': 'eu' }, 'malformed', /header/);
    }
    refuses(request('ping'), { 'mcp-name': 'x' }, 'malformed', /mcp-name/);
    refuses({ jsonrpc: '2.0', id: 1, result: {} }, { 'mcp-method': 'ping' }, 'malformed', /answer/);
    assert.ok(post(request('vendor/act', { uri: 'u' }), { 'mcp-name': 'u' }));
  });

  test('without a header the revision is what initialize asks for', () => {
    assert.equal(post(request('initialize', { protocolVersion: '2025-06-18' })).action.attributes['mcp.protocol.version'], '2025-06-18');
    assert.equal(post(request('ping')).action.attributes['mcp.protocol.version'], undefined);
    assert.equal(post(request('initialize', { protocolVersion: 'x'.repeat(1000) })).action.attributes['mcp.protocol.version'], undefined);
    refuses(request('ping'), { 'mcp-session-id': 'a b' }, 'malformed', /mcp-session-id/);
    refuses(request('ping'), { 'mcp-session-id': 'é' }, 'malformed', /mcp-session-id/);
  });

  test('input that the server asked for is counted', () => {
    const call = statelessRequest('tools/call', { name: 'search', inputResponses: { a: {}, b: {} }, requestState: 'opaque' });
    assert.equal(post(call, statelessHeaders('tools/call', 'search')).action.attributes['countersign.input_responses'], 2);
  });
});

describe('the endpoint', () => {
  const bare = (method: string, path: string, body = ''): string =>
    readRequest({ method, path, headers: [['mcp-session-id', 's']] }, Buffer.from(body)).action.name;

  test('GET opens the stream of the server, DELETE ends a session', () => {
    assert.equal(bare('GET', '/'), 'mcp.open_stream');
    assert.equal(bare('DELETE', '/mcp'), 'mcp.end_session');
    assert.throws(() => bare('GET', '/', 'x'), { code: 'malformed' });
    for (const method of ['PUT', 'HEAD', 'OPTIONS', 'get']) {
      assert.throws(() => bare(method, '/'), { code: 'unsupported' });
    }
  });

  test('the transport before Streamable HTTP is refused with what to use', () => {
    assert.throws(() => bare('GET', '/sse'), { code: 'unsupported', message: /Streamable HTTP/ });
    assert.throws(() => bare('POST', '/messages?sessionId=1', '{}'), { code: 'unsupported', message: /Streamable HTTP/ });
  });

  test('A9: a message does not reach another path of the server', () => {
    for (const path of ['/admin', '/mcp/', '/mcp/x', '//', '/?x=1', '?x', '/mcp?method=tools/call', '/.well-known/x', '/MCP']) {
      assert.throws(() => bare('POST', path, JSON.stringify(request('ping'))), { code: 'unsupported' }, path);
      assert.throws(() => bare('GET', path), { code: 'unsupported' }, path);
    }
  });
});

test('any bytes end in an action or in our error', () => {
  const seeds = [
    request('tools/call', { name: 'search', arguments: { q: ['x', 1.5] }, _meta: { traceparent: 'x' } }),
    [request('ping'), { jsonrpc: '2.0', id: 9e99, result: {} }],
    statelessRequest('resources/read', { uri: 'file:///x' }),
    { jsonrpc: '2.0', id: null, error: { code: 1, message: 'm', data: {} } },
  ].map((each) => Buffer.from(JSON.stringify(each)));
  const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 })).map(([seed, changes]) => {
    const bytes = Buffer.from(seed);
    for (const [at, value] of changes) {
      bytes[at % bytes.length] = value;
    }
    return bytes;
  });
  const shaped = fc
    .record(
      { jsonrpc: fc.constant('2.0'), id: fc.jsonValue(), method: fc.constantFrom('tools/call', 'x'), params: fc.jsonValue() },
      { requiredKeys: ['jsonrpc'] },
    )
    .map((value) => Buffer.from(JSON.stringify(value)));
  const names = ['mcp-method', 'mcp-name', 'mcp-param-a', 'mcp-protocol-version', 'mcp-session-id', 'content-type'];
  const values = ['tools/call', 'ping', 'search', '=?base64?eA==?=', '=?base64?*?=', '2026-07-28', '2025-11-25', 'application/json', ''];
  const headers = fc.array(fc.tuple(fc.constantFrom(...names), fc.oneof(fc.constantFrom(...values), fc.string())), { maxLength: 3 });
  const read = (body: Uint8Array, more: readonly (readonly [string, string])[]): boolean => {
    try {
      const { action } = readRequest({ method: 'POST', path: '/', headers: [['content-type', 'application/json'], ...more] }, body);
      assert.ok(actions.some(({ name }) => name === action.name));
      return true;
    } catch (error) {
      assert.ok(error instanceof GatewayError, String(error));
      return false;
    }
  };
  assert.deepEqual(
    seeds.map((seed) => read(seed, [])),
    [true, false, false, true],
    'changed bytes begin with such as can be read and such as cannot',
  );
  fc.assert(
    fc.property(fc.oneof(mutated, shaped, fc.uint8Array()), headers, (body, more) => {
      read(body, more);
    }),
    { numRuns: 4000 },
  );
});
