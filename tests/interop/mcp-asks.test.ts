import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

const elicit = '{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"Which account?"}}';
const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"done"}]}}';

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly response: ServerResponse;
}

/** The server holds its answers until the test gives them, so that a grant can be withdrawn in the meantime. */
describe('what an MCP server over HTTP asks of its client', () => {
  const heard: Heard[] = [];
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  /** `described`: further lines of the target. */
  const configOf = (granted: string, described = ''): string => `targets:
  tools: { protocol: mcp, url: "${server.url}", durability: process, options: { ids: anybody }${described} }
principals:
  agent: { kind: agent, targets: ${granted} }
`;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(
      await openServer(async (request, response) => {
        const body = await text(request);
        heard.push({ headers: request.headers, body, response });
        if (body.includes('"at once"')) {
          response.end();
        }
      }),
    );
    gateway = parts.use(await GatewayProcess.start({ config: configOf('[tools]') }));
    token = await gateway.issueToken('agent');
  });

  const ask = async (name: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t/tools`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
        'mcp-session-id': 'of-the-server',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
    });
  const arrived = async (words: string): Promise<Heard> => {
    await waitUntil(() => heard.some(({ body }) => body.includes(words)));
    const found = heard.find(({ body }) => body.includes(words));
    assert.ok(found);
    return found;
  };
  const reconfigure = async (granted: string, status: number): Promise<void> => {
    gateway.configure(configOf(granted));
    await waitUntil(async () => (await ask('at once')).status === status);
  };
  const asksOf = async (response: Response): Promise<unknown[]> => {
    const records = await gateway.records(response.headers.get('countersign-session') ?? '');
    const request = records.find(({ record }) => record === response.headers.get('countersign-record'))?.seq;
    return records.filter(({ attributes }) => attributes['countersign.asked_within'] === request).map(({ action, verdict }) => [action, verdict]);
  };

  test('allowed, it comes as it was sent, and is in the record before', async () => {
    const answer = ask('allowed');
    const { response, headers } = await arrived('"allowed"');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${elicit}\n\ndata: ${result}\n\n`);
    assert.equal(await (await answer).text(), `data: ${elicit}\n\ndata: ${result}\n\n`);
    assert.deepEqual(await asksOf(await answer), [['mcp.elicit', 'allow']]);
    assert.equal(headers['accept-encoding'], 'identity');
  });

  test('found: when a target is taken from the principal its stream ends, and later requests of the server reach nobody', async () => {
    const answer = ask('taken');
    const { response } = await arrived('"taken"');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
    const streamed = (await answer).text();
    const cut = once(response, 'close');
    await reconfigure('[]', 403);
    assert.match(
      await streamed,
      /^: here\n\n(event: message\n)?data: \{"jsonrpc":"2.0","id":1,"error":\{"code":-32010,"message":"countersign: agent was not granted tools[":]/,
    );
    response.write(`data: ${elicit}\n\n`);
    await cut;
    assert.deepEqual(await asksOf(await answer), []);
    await reconfigure('[tools]', 200);
  });

  test('an open stream obeys changed tags and the mode of its target with what the server asks next', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'countersign-mcp-'));
    const rules = join(directory.path, 'rules.cedar');
    writeFileSync(rules, '@id("frozen") forbid (principal, action == Action::"mcp.elicit", resource) when { resource.state == "frozen" };\n');
    const apply = async (described: string): Promise<void> => gateway.apply(`${configOf('[tools]', described)}policies: ${rules}\n`);
    await apply(', tags: { state: open }');
    const answer = ask('frozen');
    const { response } = await arrived('"frozen"');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
    const streamed = await answer;
    const wanted = async (): Promise<unknown[]> => asksOf(streamed);
    const turns = [
      [', tags: { state: open }', ['mcp.elicit', 'allow']],
      [', tags: { state: frozen }, mode: observe', ['mcp.elicit', 'allow']],
      [', tags: { state: frozen }', ['mcp.elicit', 'deny']],
    ] as const;
    for (const [i, [described]] of turns.entries()) {
      await apply(described);
      response.write(`data: ${elicit.replace('"id":7', `"id":${i}`)}\n\n`);
      await waitUntil(async () => (await wanted()).length === i + 1);
    }
    response.end(`data: ${result}\n\n`);
    const told = await streamed.text();
    assert.deepEqual(
      turns.map((_, i) => told.includes(`"id":${i},"method":"elicitation/create"`)),
      [true, true, false],
    );
    assert.deepEqual(
      await wanted(),
      turns.map(([, verdict]) => verdict),
    );
    await gateway.apply(configOf('[tools]'));
  });

  test('an open stream ends when policy masks values in it that it did not mask before', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'countersign-mcp-'));
    const rules = join(directory.path, 'rules.cedar');
    const mask = async (classes: string): Promise<void> => {
      writeFileSync(rules, `@mask("${classes}") permit (principal, action in Action::"mcp", resource);\n`);
      await gateway.apply(`${configOf('[tools]')}policies: ${rules}\n`);
    };
    await mask('card');
    const answer = ask('masked');
    const { response } = await arrived('"masked"');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
    const streamed = (await answer).text();
    await mask('card');
    response.write(`: ada@example.com 4111 1111 1111 1111\n\n`);
    const cut = once(response, 'close');
    await mask('card, email');
    response.write(`data: {"jsonrpc":"2.0","method":"of bob@example.com"}\n\n`);
    assert.match(await streamed, /^: here\n\n: ada@example.com \[card\]\n\n[^]*Policy changes texts in this answer by now/);
    assert.doesNotMatch(await streamed, /bob@/);
    await cut;
    await gateway.apply(configOf('[tools]'));
  });

  test('the record holds', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
