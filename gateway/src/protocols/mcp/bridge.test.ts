import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { runBridge } from './bridge.ts';
import { request, statelessRequest } from './testdata/requests.ts';

interface Heard {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Returns the output of the bridge for these lines, and the requests that the server got, which answers with `answer`. */
async function bridged(lines: readonly unknown[], answer: (heard: Heard, response: ServerResponse) => void): Promise<{ said: unknown[]; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const one = { method: incoming.method ?? '', headers: incoming.headers, body: await text(incoming) };
      heard.push(one);
      answer(one, response);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const said: string[] = [];
  async function* input(): AsyncGenerator<Buffer> {
    yield* lines.map((line) => Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`));
  }
  await runBridge({
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`,
    token: async () => Promise.resolve('cs_token'),
    input: input(),
    write: async (bytes) => Promise.resolve(void said.push(Buffer.from(bytes).toString())),
  });
  server.closeAllConnections();
  server.close();
  return {
    said: said
      .join('')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
    heard,
  };
}

const json = { 'content-type': 'application/json' };
const events = { 'content-type': 'text/event-stream' };
const result = (id: unknown, more = {}): string => JSON.stringify({ jsonrpc: '2.0', id, result: more });

describe('the bridge', () => {
  test('keeps the session and the revision that initialize began, and ends the session with its input', async () => {
    const { said, heard } = await bridged(
      [request('initialize'), { jsonrpc: '2.0', method: 'notifications/initialized' }, request('ping', {}, 2)],
      (one, response) => {
        if (one.body.includes('initialize"')) {
          response.writeHead(200, { ...json, 'mcp-session-id': 'of-the-server' }).end(result(1, { protocolVersion: '2025-11-25' }));
        } else if (one.body.includes('ping')) {
          response.writeHead(200, json).end(result(2));
        } else {
          response.writeHead(one.method === 'GET' ? 405 : 202).end();
        }
      },
    );
    assert.deepEqual(said, [JSON.parse(result(1, { protocolVersion: '2025-11-25' })), JSON.parse(result(2))]);
    assert.ok(heard.every(({ headers }) => headers.authorization === 'Bearer cs_token'));
    const later = heard.slice(1);
    assert.ok(later.every(({ headers }) => headers['mcp-session-id'] === 'of-the-server' && headers['mcp-protocol-version'] === '2025-11-25'));
    assert.equal(heard.at(-1)?.method, 'DELETE');
  });

  test('asks again for an answer that broke off, from the place where it broke off', async () => {
    const { said, heard } = await bridged([request('ping')], ({ method }, response) => {
      response.writeHead(200, events).end(method === 'POST' ? 'id: e1\ndata: {"jsonrpc":"2.0","method":"x"}\n\n' : `id: e2\ndata: ${result(1)}\n\n`);
    });
    assert.deepEqual(said, [{ jsonrpc: '2.0', method: 'x' }, JSON.parse(result(1))]);
    assert.deepEqual(
      heard.map(({ method, headers }) => [method, headers['last-event-id']]),
      [
        ['POST', undefined],
        ['GET', 'e1'],
      ],
    );
  });

  test('every request has an answer, whatever becomes of it', async () => {
    const { said } = await bridged(
      [request('broken'), request('cut', {}, 'b'), request('refused', {}, 3), request('wrong', {}, 4), request('html', {}, 5), request('moved', {}, 6), '{'],
      ({ body }, response) => {
        if (body.includes('broken')) {
          response.writeHead(200, events).end('data: {"jsonrpc":"2.0","method":"x"}\n\n');
        } else if (body.includes('cut')) {
          response.destroy();
        } else if (body.includes('refused') || body === '{') {
          response.writeHead(403, json).end('{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"countersign: no","data":{"code":"refused"}}}');
        } else if (body.includes('wrong')) {
          response.writeHead(200, json).end(result(99));
        } else {
          response.writeHead(body.includes('moved') ? 307 : 502, { location: 'http://127.0.0.1:1/' }).end('<html>');
        }
      },
    );
    const errors = said.filter(
      (each): each is { id: unknown; error: { code: number; message: string } } => typeof each === 'object' && each !== null && 'error' in each,
    );
    assert.deepEqual(new Set(errors.map(({ id }) => id)), new Set([1, 'b', 3, 4, 5, 6, null]));
    const messageOf = (id: unknown): string => errors.find((each) => each.id === id)?.error.message ?? '';
    assert.match(messageOf(1), /ended before it was whole/);
    assert.match(messageOf('b'), /cannot be reached/);
    assert.deepEqual([messageOf(3), messageOf(5), messageOf(6)], ['countersign: no', 'HTTP 502', 'HTTP 307']);
    assert.equal(errors.find(({ id }) => id === 3)?.error.code, -32010);
  });

  test('says in headers what a message of the revision without sessions says', async () => {
    const named = statelessRequest('tools/call', { name: 'größe' });
    const { heard } = await bridged([named, statelessRequest('tools/list')], (_, response) => {
      response.writeHead(200, json).end(result(1));
    });
    const sent = heard.map(({ headers }) => [headers['mcp-protocol-version'], headers['mcp-method'], headers['mcp-name']]);
    assert.deepEqual(
      new Set(sent.map((each) => each.join(' '))),
      new Set([`2026-07-28 tools/call =?base64?${Buffer.from('größe').toString('base64')}?=`, '2026-07-28 tools/list ']),
    );
  });
});
