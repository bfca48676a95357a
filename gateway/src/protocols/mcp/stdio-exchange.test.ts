/** The official server over its standard input and output, and scripts that behave worse. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import type { StdioExchange } from './stdio-exchange.ts';
import { openStdioExchange } from './stdio-exchange.ts';
import { defaultServerLimits } from './server-process.ts';
import { passage } from './testdata/passage.ts';
import { request } from './testdata/requests.ts';

const limits = { ...defaultServerLimits, stopMs: 500, restartFirstMs: 10, restartMaxMs: 40 };

function open(argv: readonly string[], changed = {}): Promise<StdioExchange> {
  return openStdioExchange({ argv: [process.execPath, ...argv], environment: {}, directory: import.meta.dirname }, { ...limits, ...changed });
}

/** Runs for each message that comes in; `say` sends one. */
function script(body: string): Promise<StdioExchange> {
  const code = `const say = (m) => console.log(typeof m === 'string' ? m : JSON.stringify({ jsonrpc: '2.0', ...m }));
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => { const m = JSON.parse(line); ${body} });`;
  return open(['-e', code]);
}

const bytes = (message: unknown): Buffer => Buffer.from(JSON.stringify(message));

/** The messages of an answer up to its end. */
async function read(events: AsyncIterable<Buffer> | null): Promise<Record<string, unknown>[]> {
  const messages: Record<string, unknown>[] = [];
  for await (const line of events ?? []) {
    messages.push(JSON.parse(line.toString()));
  }
  return messages;
}

async function* eventsOf(lines: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) {
    yield Buffer.from(`data: ${line.toString()}\n\n`);
  }
}

describe('a server of standard input and output', () => {
  test('answers official clients as if it were reached by HTTP', async () => {
    await using exchange = await open(['testdata/stdio-server.ts']);
    const headers = { 'content-type': 'text/event-stream' };
    const { fetch, passed } = passage(async (incoming) => {
      if (incoming.method === 'DELETE') {
        return new Response(null, { status: 405 });
      }
      const lines = incoming.method === 'GET' ? exchange.listen() : exchange.post(new Uint8Array(await incoming.arrayBuffer()));
      return lines === null ? new Response(null, { status: 202 }) : new Response(ReadableStream.from(eventsOf(lines)), { headers });
    });
    const client = new Client({ name: 'agent', version: '1' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'Paris' } }));
    await client.connect(new StreamableHTTPClientTransport(new URL('http://gateway.test/'), { fetch }));
    assert.deepEqual(
      (await client.listTools()).tools.slice(0, 2).map(({ name }) => name),
      ['add', 'ask'],
    );
    assert.match(JSON.stringify((await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })).content), /"5"/);
    const both = await Promise.all([client.callTool({ name: 'ask' }), client.callTool({ name: 'add', arguments: { a: 1, b: 1 } })]);
    assert.match(JSON.stringify(both), /Paris.*"2"/);
    const progress: number[] = [];
    await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } }, undefined, { onprogress: ({ progress: done }) => progress.push(done) });
    assert.deepEqual(progress, [1]);
    await client.close();
    assert.ok(passed.some(({ action }) => action.name === 'mcp.answer'));
  });

  test('answers in any order, each request its own', async () => {
    await using exchange = await script(
      `if (m.id === 1) { first = m; } else { say({ id: m.id, result: {} }); say({ id: first.id, result: { late: true } }); }`,
    );
    const first = exchange.post(bytes(request('ping')));
    const second = exchange.post(bytes(request('ping', {}, '1')));
    assert.deepEqual(await read(second), [{ jsonrpc: '2.0', id: '1', result: {} }]);
    assert.deepEqual(await read(first), [{ jsonrpc: '2.0', id: 1, result: { late: true } }]);
  });

  test('an id without an answer is not given away', async () => {
    await using exchange = await script('');
    exchange.post(bytes(request('ping')));
    assert.throws(() => exchange.post(bytes(request('ping'))), { code: 'conflict' });
    assert.throws(() => exchange.post(Buffer.from('{')), { code: 'malformed' });
  });

  test('an id that was answered may be used again, also before that answer is read to its end', async () => {
    await using exchange = await script(
      `if (m.method === 'ping') { say({ id: m.id, result: {} }); } else { say({ method: 'held' }); } if (m.method === 'go') { say({ id: 1, result: { second: true } }); }`,
    );
    const first = exchange.post(bytes(request('ping')))?.[Symbol.asyncIterator]();
    assert.equal((await first?.next())?.done, false);
    const second = exchange.post(bytes(request('hold')));
    assert.equal((await first?.next())?.done, true);
    exchange.post(bytes(request('go', {}, 2)));
    assert.deepEqual((await read(second)).at(-1), { jsonrpc: '2.0', id: 1, result: { second: true } });
  });

  test('notifications go where they belong', async () => {
    await using exchange = await script(`
      if (m.id === 1) { return; }
      say('listening on stdio'); say('[1'); say({ id: 99, result: {} });
      say({ method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } });
      say({ method: 'notifications/resources/updated', params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } } });
      say({ method: 'notifications/message', params: {} });
      say({ id: 1, result: {} }); say({ id: 2, result: {} });`);
    const stream = exchange.listen();
    const listen = exchange.post(bytes(request('subscriptions/listen')));
    const call = exchange.post(bytes(request('tools/call', { name: 'x', _meta: { progressToken: 'p' } }, 2)));
    const seen = async (events: AsyncIterable<Buffer> | null): Promise<unknown[]> => (await read(events)).map(({ method, id }) => method ?? id);
    assert.deepEqual(await seen(call), ['notifications/progress', 2]);
    assert.deepEqual(await seen(listen), ['notifications/resources/updated', 1]);
    exchange.listen();
    assert.deepEqual(await seen(stream), ['notifications/message']);
  });

  test('a message that expects no answer gets none', async () => {
    await using exchange = await script('');
    assert.equal(exchange.post(bytes({ jsonrpc: '2.0', method: 'notifications/initialized' })), null);
    assert.equal(exchange.post(bytes({ jsonrpc: '2.0', id: 1, result: {} })), null);
  });

  test('that ends ends its answers with an error, and is there again', async () => {
    await using exchange = await script(`if (m.method === 'die') { process.exit(1); } say({ id: m.id, result: {} });`);
    await assert.rejects(read(exchange.post(bytes(request('die')))), (error) => error instanceof GatewayError && error.code === 'target_unreachable');
    for (;;) {
      try {
        assert.equal((await read(exchange.post(bytes(request('ping'))))).length, 1);
        break;
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === 'target_unreachable');
        await setTimeout(5);
      }
    }
  });

  test('D33: that says more than is read waits', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const mark = join(directory, 'said-all');
    const code = `const line = JSON.stringify({ jsonrpc: '2.0', method: 'x', params: { x: 'x'.repeat(1000) } });
      const say = (text) => new Promise((resolve) => process.stdout.write(text + '\\n', resolve));
      process.stdin.once('data', async () => {
        for (let i = 0; i < 3000; i += 1) await say(line);
        require('node:fs').writeFileSync(${JSON.stringify(mark)}, '');
        await say('{"jsonrpc":"2.0","id":1,"result":{}}');
      });`;
    await using exchange = await open(['-e', code], { queuedBytesMax: 10_000 });
    let events = 0;
    for await (const _ of exchange.post(bytes(request('ping'))) ?? []) {
      events += 1;
      if (events === 1) {
        // Enough for a server that is not held up to say all; one that is held up never gets there.
        await setTimeout(500);
        assert.ok(!existsSync(mark));
      }
    }
    assert.equal(events, 3001);
    assert.ok(existsSync(mark));
  });

  test('who leaves gives up the answer', async () => {
    await using exchange = await script(`say({ method: 'x' }); if (m.method === 'last') { say({ id: 1, result: {} }); say({ id: 2, result: {} }); }`);
    for await (const event of exchange.post(bytes(request('ping'))) ?? []) {
      assert.match(event.toString(), /"x"/);
      break;
    }
    const last = await read(exchange.post(bytes(request('last', {}, 2))));
    assert.equal(last.length, 2);
  });

  test('may say anything', async () => {
    await using exchange = await script('');
    const events = read(exchange.post(bytes(request('ping', { _meta: { progressToken: 't' } }, 'the last'))));
    const said = fc.oneof(
      fc.string(),
      fc.record(
        { jsonrpc: fc.constant('2.0'), id: fc.jsonValue(), method: fc.string(), params: fc.jsonValue(), result: fc.jsonValue() },
        { requiredKeys: ['jsonrpc'] },
      ),
      fc.record({
        jsonrpc: fc.constant('2.0'),
        method: fc.string(),
        params: fc.record({ progressToken: fc.jsonValue(), _meta: fc.dictionary(fc.constant('io.modelcontextprotocol/subscriptionId'), fc.jsonValue()) }),
      }),
    );
    fc.assert(
      fc.property(said, (line) => {
        exchange.hear(typeof line === 'string' ? Buffer.from(line) : bytes(line));
      }),
      { numRuns: 1000 },
    );
    exchange.hear(bytes({ jsonrpc: '2.0', id: 'the last', result: {} }));
    assert.deepEqual((await events).at(-1), { jsonrpc: '2.0', id: 'the last', result: {} });
  });
});
