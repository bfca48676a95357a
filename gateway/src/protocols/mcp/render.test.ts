import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { renderedCharactersMax, type OpenedRecord, type RecordMeta, type Rendering } from '../../domain/record.ts';
import { render } from './render.ts';
import { request } from './testdata/requests.ts';

const halloDigest = `sha256 ${hash('sha256', 'hallo')}`;

function record(kind: string, content: string | Uint8Array | null, meta: Partial<RecordMeta> = {}): OpenedRecord {
  return {
    session: '',
    seq: 1,
    timeMs: 0,
    kind,
    record: '',
    meta: { channel: 1, ...meta },
    channelFacts: null,
    governance: null,
    content: content === null ? null : Buffer.from(content),
    continues: false,
    withheld: null,
  };
}

const call = record('request', '', { action: 'mcp.call_tool' });

function asked(body: unknown): Rendering {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return render(record('request', `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`), () => null);
}

function answered(body: unknown, head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n'): Rendering {
  return render(record('response', head + (typeof body === 'string' ? body : JSON.stringify(body)), { request: 0 }), () => call);
}

const result = (value: object): object => ({ jsonrpc: '2.0', id: 1, result: value });

describe('requests', () => {
  test('are what is asked for', () => {
    for (const [body, text] of [
      [request('tools/call', { name: 'search', arguments: { q: 'ä' }, _meta: { x: 1 } }), 'call_tool search({"q":"ä"})'],
      [request('tools/call', { name: 'now' }), 'call_tool now()'],
      [request('prompts/get', { name: 'p', arguments: { a: '1' } }), 'get_prompt p({"a":"1"})'],
      [request('resources/read', { uri: 'file:///a' }), 'read_resource file:///a'],
      [request('tools/list', { _meta: {} }), 'list_tools'],
      [request('tools/list', { cursor: 'x' }), 'list_tools {"cursor":"x"}'],
      [request('vendor/act', { x: [1] }), 'vendor/act {"x":[1]}'],
      [{ jsonrpc: '2.0', method: 'notifications/initialized' }, 'initialized'],
      [result({ action: 'accept', content: { name: 'Bo' } }), '{"action":"accept","content":{"name":"Bo"}}'],
      [[request('ping'), request('ping')], 'ping\nping'],
      ['{"jsonrpc":', 'POST /\n{"jsonrpc":'],
      ['', 'POST /'],
    ] as const) {
      assert.equal(asked(body).text, text);
    }
    assert.deepEqual(asked(request('tools/call', { name: 'search', arguments: { q: 1 } })).attributes, { 'gen_ai.tool.call.arguments': '{"q":1}' });
  });

  test('numbers are those that were sent', () => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","arguments":{"to":9007199254740993}}}';
    assert.equal(asked(text).text, 'call_tool pay({"to":9007199254740993})');
  });

  test('without a body, or with one that is coded', () => {
    const shown = (content: string | Uint8Array): string => render(record('request', content), () => null).text;
    assert.equal(shown('GET /mcp HTTP/1.1\r\naccept: text/event-stream\r\n\r\n'), 'GET /mcp');
    assert.equal(shown('DELETE / HTTP/1.1\r\n\r\n'), 'DELETE /');
    const coded = gzipSync(JSON.stringify(request('ping')));
    assert.equal(shown(Buffer.concat([Buffer.from('POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n'), coded])), 'ping');
    assert.equal(shown(Buffer.concat([Buffer.from('POST / HTTP/1.1\r\n\r\n'), coded])), `POST /\n(${coded.length} bytes that are not text)`);
    assert.equal(render(record('request', null), () => null).text, '');
  });
});

describe('answers', () => {
  test('are the parts that people read', () => {
    const content = [
      { type: 'text', text: 'Two found.' },
      { type: 'image', data: 'aGFsbG8=', mimeType: 'image/png' },
      { type: 'resource_link', uri: 'file:///a' },
      { type: 'resource', resource: { uri: 'file:///b', text: 'B' } },
      { type: 'new', x: 1 },
      5,
    ];
    const lines = ['Two found.', `(image/png, 5 bytes, ${halloDigest})`, 'file:///a', 'file:///b: B', '{"type":"new","x":1}', '5'];
    assert.equal(answered(result({ content })).text, lines.join('\n'));
    assert.deepEqual(answered(result({ content: [{ type: 'text', text: 'hi' }] })).attributes, { 'gen_ai.tool.call.result': 'hi' });
    assert.equal(answered(result({ content: [{ type: 'text', text: 'no such table' }], isError: true })).text, 'error:\nno such table');
    assert.equal(answered(result({ content: [], structuredContent: { n: 1 }, _meta: {} })).text, '{"content":[],"structuredContent":{"n":1}}');
  });

  test('of other methods', () => {
    for (const [value, text] of [
      [{ contents: [{ uri: 'u', text: 'body' }] }, 'body'],
      [{ contents: [{ uri: 'u', blob: 'aGFsbG8=', mimeType: 'a/b' }] }, `(a/b, 5 bytes, ${halloDigest})`],
      [{ messages: [{ role: 'user', content: { type: 'text', text: 'Do it' } }] }, 'user: Do it'],
      [{ tools: [{ name: 'search', description: 'Searches' }, { name: 'now' }] }, 'search: Searches\nnow'],
      [{}, '{}'],
      [{ inputRequests: { a: { method: 'elicitation/create', params: { message: 'Sure?' } } } }, 'asks elicit {"message":"Sure?"}'],
    ] as const) {
      assert.equal(answered(result(value)).text, text);
    }
    assert.equal(answered({ jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'Unknown tool' } }).text, 'error -32602: Unknown tool');
  });

  test('of streams, also the later pieces', () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n';
    const note = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
    const last = JSON.stringify(result({ content: [{ type: 'text', text: 'done' }] }));
    assert.equal(answered(`: hi\n\nevent: message\nid: 4\ndata: ${note}\n\ndata: ${last}\r\n\r\n`, head).text, 'report_progress {"progress":1}\ndone');
    assert.equal(answered(`data: ${last}\n\n`, '').text, 'done');
    assert.equal(answered(`${last.slice(20)}\n\ndata: ${last}\n\n`, '').text, `${last.slice(20)}\ndone`);
    assert.equal(answered(last.slice(20), '').text, last.slice(20));
    assert.equal(answered('', head).text, 'HTTP 200');
  });

  test('that are not MCP', () => {
    assert.equal(answered('<h1>Bad gateway</h1>', 'HTTP/1.1 502 Bad Gateway\r\n\r\n').text, 'HTTP 502\n<h1>Bad gateway</h1>');
    assert.equal(answered('', 'HTTP/1.1 202 Accepted\r\n\r\n').text, 'HTTP 202');
  });
});

test('any bytes are shown', () => {
  const evil = fc.constantFrom('{"toString":5}', '{"method":{"toString":1}}', '[]', 'null', '"x"', '5e999', '{"text":{}}');
  const results = fc.constantFrom('content', 'contents', 'messages', 'tools', 'inputRequests', 'isError');
  const bodies = fc.oneof(
    fc.string(),
    fc.tuple(results, evil).map(([key, value]) => `{"jsonrpc":"2.0","id":1,"result":{"${key}":[${value}],"x":${value}}}`),
    fc.tuple(results, evil).map(([key, value]) => `data: {"jsonrpc":"2.0","id":1,"result":{"${key}":{"a":${value}}}}\n`),
    fc
      .tuple(fc.constantFrom('tools/call', 'resources/read', 'x'), evil)
      .map(([method, value]) => `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"name":${value},"uri":${value},"arguments":${value}}}`),
    fc.jsonValue().map((value) => JSON.stringify(value)),
  );
  const heads = fc.constantFrom('', 'POST / HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 ', 'GET ');
  fc.assert(
    fc.property(fc.constantFrom('request', 'response', 'decision'), heads, bodies, (kind, head, body) => {
      assert.equal(typeof render(record(kind, head + body), () => null).text, 'string');
    }),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.equal(typeof render(record('response', bytes), () => call).text, 'string')));
});

test('T4.43: text after 600,000 characters is read, and a text that is cut says so', () => {
  const long = answered(result({ content: [{ type: 'text', text: `${'a'.repeat(600_000)}NEEDLE` }] }));
  assert.ok(long.text.endsWith('NEEDLE'));
  assert.equal(long.attributes['countersign.is_whole'], undefined);
  const cut = answered('a'.repeat(renderedCharactersMax + 7), 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n');
  assert.match(cut.text.slice(-30), /a… 7 characters more$/);
  assert.equal(cut.attributes['countersign.is_whole'], false);
});

test('T4.43: a request and an answer in several records are read whole in the last, however long they are', () => {
  const value = `${'a'.repeat(renderedCharactersMax)}NEEDLE`;
  const sent = `POST / HTTP/1.1\r\n\r\n${JSON.stringify(request('tools/call', { name: 'find', arguments: { value } }))}`;
  const given = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(result({ content: [{ type: 'text', text: value }] }))}`;
  for (const [kind, bytes] of [
    ['request', sent],
    ['response', given],
  ] as const) {
    const content = Buffer.from(bytes);
    const parts = Array.from({ length: 5 }, (_, i): OpenedRecord => ({
      ...record(kind, content.subarray(i * 2 ** 20, (i + 1) * 2 ** 20)),
      seq: i + 1,
      continues: i < 4,
      meta: { channel: 1, ...(kind === 'response' ? { request: 0 } : i === 0 ? { action: 'mcp.call_tool' } : { request: 1 }) },
    }));
    const { text, attributes } = render(parts[4] ?? assert.fail(), (seq) => parts[seq - 1] ?? null);
    assert.ok(text.includes('NEEDLE'), kind);
    assert.equal(attributes['countersign.is_whole'], undefined);
  }
});

test('T4.19: a request or an answer in several records is read in the last of them', () => {
  const sent = Buffer.from(
    `POST / HTTP/1.1\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(request('tools/call', { name: 'find', arguments: { q: 'x'.repeat(100) } }))}`,
  );
  const given = Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(result({ content: [{ type: 'text', text: 'all of it' }] }))}`,
  );
  const at = (kind: string, content: Buffer, more: Pick<OpenedRecord, 'seq' | 'continues'>, of?: number): OpenedRecord => ({
    ...record(kind, content),
    ...more,
    meta: { channel: 1, action: 'mcp.call_tool', ...(of === undefined ? {} : { request: of }) },
  });
  const records = [
    at('request', sent.subarray(0, 150), { seq: 0, continues: true }),
    at('request', sent.subarray(150), { seq: 1, continues: false }, 0),
    at('response', given.subarray(0, 100), { seq: 2, continues: true }, 0),
    at('response', given.subarray(100), { seq: 3, continues: false }, 0),
  ];
  const texts = records.map((each) => render(each, (seq) => records[seq] ?? null).text);
  assert.equal(texts[0], '(a part of a request, 150 bytes; its last part shows all of it)');
  assert.equal(texts[1], `call_tool find({"q":"${'x'.repeat(100)}"})`);
  assert.equal(texts[3], 'all of it');
});
