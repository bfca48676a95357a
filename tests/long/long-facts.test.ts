import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

const toolsMany = 1_060;
/** Every second one as long as the gateway follows definitions of tools by name, the others longer. */
const tools = Array.from({ length: toolsMany }, (_, i) => ({
  name: `tool_${i}_`.padEnd(i % 2 === 0 ? 256 : 1_000, 'x'),
  description: 'one of many',
  inputSchema: { type: 'object' },
}));

/** A text that no coding makes shorter than half. */
const longText = randomBytes(150_000).toString('hex');

/** In the way that the request names: packed, as one event of a stream, or as a result of MCP. */
function answerAtLength(body: string, response: ServerResponse): void {
  const event = (content: string, reason: string | null): string =>
    `data: ${JSON.stringify({ id: 'c', model: 'served', choices: [{ index: 0, delta: { content }, finish_reason: reason }] })}\n\n`;
  const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: longText } }];
  const [way = ''] = /long-\w+/.exec(body) ?? [];
  if (way === 'long-stream') {
    response.setHeader('content-type', 'text/event-stream').end(event('a', null) + event(longText, null) + event('b', 'stop') + 'data: [DONE]\n\n');
  } else if (way === 'long-ask') {
    const ask = { jsonrpc: '2.0', id: 'e', method: 'elicitation/create', params: { message: 'x'.repeat(20 * 1024 * 1024) } };
    const result = { jsonrpc: '2.0', id: JSON.parse(body).id, result: { content: [] } };
    response.setHeader('content-type', 'text/event-stream').end(`data: ${JSON.stringify(ask)}\n\ndata: ${JSON.stringify(result)}\n\n`);
  } else if (way === 'long-document') {
    const result = { content: [{ type: 'text', text: `${'x'.repeat(3_000_000)}NEEDLE` }] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, result }));
  } else if (way === 'long-result') {
    const { id } = JSON.parse(body);
    const result = { content: [{ type: 'text', text: longText }], isError: true };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  } else {
    const document = Buffer.from(JSON.stringify({ id: 'c', object: 'chat.completion', model: 'served', choices }));
    const pack = packers[way];
    response.setHeader('content-type', 'application/json');
    response.setHeader('content-encoding', way.slice('long-'.length));
    response.end(pack === undefined ? document : pack(document));
  }
}

const packers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { 'long-gzip': gzipSync, 'long-br': brotliCompressSync, 'long-zstd': zstdCompressSync };

describe('what is long', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(
      await openServer(async (request, response) => {
        const body = await text(request);
        if (body.includes('long-')) {
          answerAtLength(body, response);
          return;
        }
        response.setHeader('content-type', 'application/json');
        if (request.url?.startsWith('/mcp') !== true) {
          response.end(
            JSON.stringify({ id: 'c', object: 'chat.completion', model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'fine' } }] }),
          );
          return;
        }
        const { id, method } = JSON.parse(body);
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'tools/list' ? { tools } : { content: [] } }));
      }),
    );
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  tools: { protocol: mcp, url: "${server.url}/mcp", durability: process }
  model: { protocol: llm, url: "${server.url}/llm", durability: process }
  short-tools: { protocol: mcp, url: "${server.url}/mcp", durability: process, options: { eventBytesMax: 100000 } }
  wide-tools: { protocol: mcp, url: "${server.url}/mcp?eventBytesMax=40000000", durability: process }
  short-wiki: { url: "${server.url}/wiki?eventBytesMax=100000", durability: process }
  short-model: { protocol: llm, url: "${server.url}/llm?eventBytesMax=100000", durability: process }
principals:
  agent: { kind: agent, targets: [tools, model, short-tools, wide-tools, short-model, short-wiki] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
  });

  /** Makes a token, and so a new session, which is short to read. */
  const renewToken = async (): Promise<void> => {
    token = await gateway.issueToken('agent');
  };
  const post = async (path: string, body: unknown): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify(body),
    });

  test('T4.9, E55: 1,060 tools with long names are recorded, shown, exported and proven, and cut facts are named', async () => {
    const listed = await post('tools', { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
    assert.equal(listed.status, 200);
    await listed.text();
    const offered = tools.map(({ name, description }) => ({ type: 'function', function: { name, description, parameters: { type: 'object' } } }));
    const asked = await post('model/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hello' }], tools: offered });
    assert.equal(asked.status, 200);
    await asked.text();
    const { session } = await gateway.newest();
    const records = await gateway.records(session);
    assert.deepEqual(
      records.filter(({ attributes }) => attributes['countersign.withheld'] !== undefined),
      [],
    );
    const cut = records.filter(({ attributes }) => attributes['countersign.cut'] !== undefined);
    assert.ok(cut.length > 0);
    assert.match(String(cut.flatMap(({ attributes }) => attributes['countersign.cut'])), / \d+ sha256:[0-9a-f]{64}/);
    const bundle = join(gateway.directory, 'long.bundle');
    assert.equal(gateway.command(['session', 'export', session, '--out', bundle]).status, 0);
    assert.match(gateway.command(['verify', bundle]).stdout, /HOLDS/);
    assert.match(gateway.verify().stdout, /HOLDS/);
  });

  test('T4.9: tools with long names are known again after a restart', async () => {
    await gateway.signal('SIGKILL');
    await gateway.start();
    const name = tools.at(900)?.name ?? '';
    await (await post('tools', { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name, arguments: {} } })).text();
    const records = await gateway.records((await gateway.newest()).session);
    const call = records.findLast(({ action }) => action === 'mcp.call_tool');
    assert.match(String(call?.attributes['countersign.tool_digest']), /^\S{32,}$/);
  });

  test('T4.19, E55: text after a long image is shown and found', async () => {
    await renewToken();
    const content = [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.alloc(1_500_000, 7).toString('base64')}` } },
      { type: 'text', text: 'DELETE-ALL-CUSTOMERS please' },
    ];
    await (await post('model/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content }] })).text();
    const { session } = await gateway.newest();
    const said = (await gateway.records(session)).map((record) => record.content?.text ?? '').filter((each) => each.includes('DELETE-ALL-CUSTOMERS'));
    assert.match(String(said), /^user: \[image image\/png, 1500000 bytes, sha256 [0-9a-f]{64}\]\nuser: DELETE-ALL-CUSTOMERS please$/);
    assert.match(gateway.command(['session', 'show', session, '--grep', 'DELETE-ALL-CUSTOMERS']).stdout, /DELETE-ALL-CUSTOMERS please/);
  });

  const lastAnswer = async (): Promise<ShownRecord> => lastAnswerIn(await gateway.records((await gateway.newest()).session));
  const lastAnswerIn = (records: readonly ShownRecord[]): ShownRecord => {
    const last = records.findLast(({ kind, attributes }) => kind === 'response' && attributes['countersign.continues'] !== true);
    assert.ok(last);
    return last;
  };

  test('T4.19: what of an answer is longer than the target may have read gives no facts, and the record and show say so', async () => {
    for (const way of ['gzip', 'br', 'zstd', 'stream', 'unknown']) {
      await renewToken();
      const ask = { model: `long-${way}`, messages: [{ role: 'user', content: 'hello' }] };
      await (await post('model/v1/chat/completions', ask)).arrayBuffer().catch(() => null);
      const { attributes: whole } = await lastAnswer();
      assert.equal(whole['countersign.is_whole'], way === 'unknown' ? false : undefined, way);
      assert.equal(whole['gen_ai.response.model'], way === 'unknown' ? undefined : 'served', way);
      const answer = await post('short-model/v1/chat/completions', ask);
      assert.equal(answer.status, 200);
      await answer.arrayBuffer().catch(() => null);
      const { attributes, session, seq } = await lastAnswer();
      assert.equal(attributes['countersign.is_whole'], false, way);
      assert.equal(attributes['gen_ai.response.model'], way === 'stream' ? 'served' : undefined, way);
      const line = gateway
        .command(['session', 'show', session, '--each'])
        .stdout.split('\n')
        .find((each) => each.endsWith(` #${seq}`));
      assert.match(line ?? '', / whole=false /, way);
    }
    await renewToken();
    await (await post('short-wiki/x', { model: 'long-gzip' })).arrayBuffer();
    assert.equal((await lastAnswer()).attributes['countersign.is_whole'], false, 'nor is it looked through for the addresses of a plain HTTP target');
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'long-result', arguments: {} } };
    await (await post('tools', call)).text();
    const { attributes: result } = await lastAnswer();
    assert.equal(result['countersign.outcome'], 'tool_error');
    assert.equal(result['countersign.is_whole'], undefined);
    await (await post('short-tools', call)).text();
    const { attributes: unread } = await lastAnswer();
    assert.equal(unread['countersign.outcome'], 'unread');
    assert.equal(unread['countersign.is_whole'], false);
  });

  test('T4.19: where a target may ask more at length, an event of 20 MiB is read, decided on and passed on', async () => {
    await renewToken();
    const call = { jsonrpc: '2.0', id: 8, method: 'tools/call', params: { name: 'long-ask', arguments: {} } };
    const answer = await (await post('wide-tools', call)).text();
    assert.ok(answer.length > 20 * 1024 * 1024);
    assert.match(answer.slice(-80), /"id":8,"result"/);
    const records = await gateway.records((await gateway.newest()).session);
    const asked = records.find(({ action }) => action === 'mcp.elicit');
    assert.equal(asked?.verdict, 'allow');
    assert.equal(lastAnswerIn(records).attributes['countersign.outcome'], 'result');
  });

  test('T4.19: an answer of a tool that is released whole, in several records, is read and found in the last of them', async () => {
    await renewToken();
    await (await post('tools', { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'long-document', arguments: {} } })).text();
    const { session, attributes, content } = await lastAnswer();
    assert.equal(attributes['countersign.outcome'], 'result');
    assert.deepEqual([content?.text?.length, content?.text?.slice(-7)], [3_000_006, 'xNEEDLE']);
    assert.match(gateway.command(['session', 'show', session, '--grep', 'xNEEDLE']).stdout, /xNEEDLE/);
  });

  test('T4.22: the answer names the record in which its request begins, of whatever length', async () => {
    for (const bytes of [10, 900_000, 3_000_000, 7_500_000]) {
      await renewToken();
      const answer = await post('model/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(bytes) }] });
      assert.equal(answer.status, 200);
      await answer.text();
      const { session } = await gateway.newest();
      const requests = (await gateway.records(session)).filter(({ kind, action }) => kind === 'request' && action === 'llm.chat');
      const last = requests.at(-1);
      const first = last?.attributes['countersign.request'] === undefined ? last : requests.find(({ seq }) => seq === last.attributes['countersign.request']);
      assert.equal(answer.headers.get('countersign-record'), first?.record, `${bytes} bytes`);
    }
  });
});
