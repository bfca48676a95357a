import assert from 'node:assert/strict';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

const toolsMany = 1_060;
/** Every second one as long as the gateway follows definitions of tools by name, the others longer. */
const tools = Array.from({ length: toolsMany }, (_, i) => ({
  name: `tool_${i}_`.padEnd(i % 2 === 0 ? 256 : 1_000, 'x'),
  description: 'one of many',
  inputSchema: { type: 'object' },
}));

describe('what is long', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  before(async () => {
    server = await openServer(async (request, response) => {
      const body = await text(request);
      response.setHeader('content-type', 'application/json');
      if (request.url?.startsWith('/mcp') !== true) {
        response.end(
          JSON.stringify({ id: 'c', object: 'chat.completion', model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'fine' } }] }),
        );
        return;
      }
      const { id, method } = JSON.parse(body);
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'tools/list' ? { tools } : { content: [] } }));
    });
    gateway = await GatewayProcess.start({
      config: `targets:
  tools: { protocol: mcp, url: "${server.url}/mcp", durability: process }
  model: { protocol: llm, url: "${server.url}/llm", durability: process }
principals:
  agent: { kind: agent, targets: [tools, model] }
`,
    });
    token = gateway.token('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const post = async (path: string, body: unknown): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify(body),
    });

  test('T4.9, E55: 1,060 tools with long names are recorded, shown, exported and proven; what was cut is said', async () => {
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
    assert.equal(gateway.cli(['session', 'export', session, '--out', bundle]).status, 0);
    assert.match(gateway.cli(['verify', bundle]).stdout, /HOLDS/);
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

  test('T4.19, E55: what is said behind a long image is shown and found', async () => {
    const content = [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.alloc(1_500_000, 7).toString('base64')}` } },
      { type: 'text', text: 'DELETE-ALL-CUSTOMERS please' },
    ];
    await (await post('model/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content }] })).text();
    const { session } = await gateway.newest();
    const said = (await gateway.records(session)).map((record) => record.content?.text ?? '').filter((each) => each.includes('DELETE-ALL-CUSTOMERS'));
    assert.match(String(said), /^user: \[image image\/png, 1500000 bytes, sha256 [0-9a-f]{64}\]\nuser: DELETE-ALL-CUSTOMERS please$/);
    assert.match(gateway.cli(['session', 'show', session, '--grep', 'DELETE-ALL-CUSTOMERS']).stdout, /DELETE-ALL-CUSTOMERS please/);
  });

  test('T4.22: the answer names the record in which its request begins, of whatever length', async () => {
    for (const bytes of [10, 900_000, 3_000_000, 7_500_000]) {
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
