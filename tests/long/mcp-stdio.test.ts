import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { parseBundle } from '../../ledger/src/testdata/whole-bundle.ts';
import { compileCache } from '../support/compile-cache.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const program = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'mcp', 'testdata', 'stdio-server.ts');
const canary = 'canary-of-a-program-77ab';

interface Connected {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
}

describe('an MCP server of standard input and output as a target', () => {
  let gateway: GatewayProcess;
  let token: string;
  let directory: string;
  let heard: string;
  const clients: Client[] = [];
  let elicited = 0;
  const configOf = (granted: string): string => `targets:
  tools:
    command: ["${process.execPath}", "${program}"]
    environment: { HEARD: "${heard}", MODE: plain, API_KEY: { env: PROGRAM_SECRET }, ${compileCache()} }
    durability: process
  missing: { protocol: mcp, command: [/nonexistent/program] }
principals:
  agent: { kind: agent, targets: ${granted} }
`;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-heard-'));
    heard = join(directory, 'heard');
    gateway = await GatewayProcess.start({ config: configOf('[tools, missing]'), environment: { PROGRAM_SECRET: canary, OTHER_SECRET: 'x' } });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await Promise.all(clients.map(async (client) => client.close()));
    await gateway[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const urlOf = (target = 'tools'): string => `http://127.0.0.1:${gateway.port('http')}/t/${target}`;
  const connect = async (own = token): Promise<Connected> => {
    const client = new Client({ name: 'agent', version: '1' }, { capabilities: { sampling: {}, elicitation: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'Paris' } }));
    client.setRequestHandler(ElicitRequestSchema, () => {
      elicited += 1;
      return { action: 'accept', content: {} };
    });
    const transport = new StreamableHTTPClientTransport(new URL(urlOf()), { requestInit: { headers: { authorization: `Bearer ${own}` } } });
    await client.connect(transport);
    clients.push(client);
    return { client, transport };
  };
  const add = async (client: Client, a: number, b: number): Promise<string> =>
    JSON.stringify((await client.callTool({ name: 'add', arguments: { a, b } })).content);
  const post = async (body: unknown, headers: Readonly<Record<string, string>> = {}, target = 'tools'): Promise<Response> =>
    fetch(urlOf(target), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify(body),
    });

  /** Returns the session of the token: all its requests are one session. */
  const ownSession = async (): Promise<string> => (await post({ jsonrpc: '2.0', id: 0, method: 'ping' })).headers.get('countersign-session') ?? '';

  test('tools, progress, and what the server asks of its client, with the official SDK', async () => {
    const { client } = await connect();
    assert.ok((await client.listTools()).tools.some(({ name }) => name === 'add'));
    assert.match(await add(client, 2, 3), /"5"/);
    assert.match(JSON.stringify((await client.callTool({ name: 'ask' })).content), /Paris/);
    const progress: number[] = [];
    await client.callTool({ name: 'add', arguments: { a: 1, b: 1 } }, undefined, { onprogress: ({ progress: done }) => progress.push(done) });
    assert.deepEqual(progress, [1]);
    const records = await gateway.records(await ownSession());
    const call = records.find(({ action, attributes }) => action === 'mcp.call_tool' && attributes['gen_ai.tool.name'] === 'add');
    assert.deepEqual([call?.target, call?.protocol, call?.content?.text], ['tools', 'mcp', 'call_tool add({"a":2,"b":3})']);
    const answer = records.find(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === call?.seq);
    assert.deepEqual([answer?.content?.text, answer?.attributes['countersign.outcome']], ['5', 'result']);
    assert.ok(records.some(({ action }) => action === 'mcp.answer'));
  });

  test('each client has a server of its own, and cannot reach that of another client', async () => {
    const [one, other] = await Promise.all([connect(), connect(await gateway.issueToken('agent'))]);
    const answers = await Promise.all([add(one.client, 1, 1), add(other.client, 2, 2)]);
    assert.deepEqual([/"2"/.test(answers[0]), /"4"/.test(answers[1])], [true, true]);
    assert.notEqual(one.transport.sessionId, other.transport.sessionId);
    const call = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'add', arguments: { a: 1, b: 1 } } };
    const foreign = await post(call, { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': other.transport.sessionId ?? '' });
    assert.equal(foreign.status, 404);
    assert.match(await foreign.text(), /begin again with initialize/);
    assert.equal((await post(call, { 'mcp-protocol-version': '2025-11-25' })).status, 400);
  });

  test('T4.51: a program keeps running if the activity of its session continues in the next session', async () => {
    const kept = join(directory, 'kept');
    await using busy = await GatewayProcess.start({
      config: `${configOf('[tools]').replace(heard, kept)}limits: { sessionRecordsMax: 20 }\n`,
      environment: { PROGRAM_SECRET: canary },
    });
    const headers = { authorization: `Bearer ${await busy.issueToken('agent')}` };
    const client = new Client({ name: 'agent', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${busy.port('http')}/t/tools`), { requestInit: { headers } });
    await client.connect(transport);
    while ((await busy.sessions()).length < 3) {
      assert.match(await add(client, 4, 5), /"9"/);
    }
    assert.equal(readFileSync(kept, 'utf8').match(/"method":"initialize"/g)?.length, 1, 'one program, which was begun with once');
    await client.close();
    const newest = (await busy.newest()).session;
    assert.equal(busy.cli(['session', 'halt', newest, '--reason', 'enough']).status, 0);
    assert.deepEqual(
      (await busy.sessions()).map(({ state }) => state).filter((state) => state === 'open'),
      [],
    );
    await waitUntil(() => spawnSync('pgrep', ['-P', String(busy.pid)]).status === 1);
  });

  test('DELETE ends a session with the server', async () => {
    const { client, transport } = await connect();
    const id = transport.sessionId ?? '';
    await transport.terminateSession();
    const ping = await post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': id });
    assert.equal(ping.status, 404);
    await client.close();
  });

  test('a server that dies in a call ends it with an error; the next call is answered, by one that knows its client', async () => {
    const { client } = await connect();
    await assert.rejects(client.callTool({ name: 'die' }), /has ended/);
    assert.match(await add(client, 4, 4), /"8"/);
    await assert.rejects(client.callTool({ name: 'die' }, undefined, { onprogress: () => undefined }), /has ended/);
    assert.match(await add(client, 5, 4), /"9"/);
    const records = await gateway.records(await ownSession());
    const said = records.filter(({ policies }) => policies.includes('countersign')).map(({ action }) => action);
    assert.deepEqual(said, ['mcp.initialize', 'mcp.initialized', 'mcp.initialize', 'mcp.initialized']);
  });

  test('a request of the revision without sessions is answered without one', async () => {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'add' };
    const ask = async (a: number): Promise<Response> =>
      post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'add', arguments: { a, b: 1 }, _meta: meta } }, headers);
    const answers = await Promise.all([ask(1), ask(2)]);
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.headers.get('mcp-session-id'), null);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.match(await answer.text(), new RegExp(`"${i + 2}"`));
    }
  });

  test('the bytes that it gets are the recorded bytes', async () => {
    const body = {
      jsonrpc: '2.0',
      id: 'exact-bytes',
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'ä', version: '1' } },
    };
    const response = await post(body);
    const answered = await response.text();
    const session = response.headers.get('countersign-session') ?? '';
    const bundle = parseBundle(Buffer.from(await (await gateway.api(`/api/v1/sessions/${session}/bundle`)).arrayBuffer()));
    const contents = bundle.records.map(({ content }) => (content.form === 'opened' ? Buffer.from(content.plaintext).toString() : ''));
    assert.ok(contents.some((content) => content.endsWith(`\r\n\r\n${JSON.stringify(body)}`)));
    assert.ok(contents.some((content) => content.endsWith(`\r\n\r\n${answered}`)));
    assert.ok(readFileSync(heard, 'utf8').split('\n').includes(JSON.stringify(body)));
  });

  test('its environment is what it was given, and no record or list has the secret', async () => {
    const { client } = await connect();
    const { content } = await client.callTool({ name: 'environment' });
    const seen = JSON.stringify(content);
    assert.match(seen, new RegExp(`API_KEY.*${canary}`));
    assert.match(seen, /MODE.*plain/);
    assert.doesNotMatch(seen, /OTHER_SECRET|PROGRAM_SECRET|COUNTERSIGN/);
    const listed = gateway.cli(['target', 'list']);
    assert.match(listed.stdout, new RegExp(`tools +mcp +${process.execPath}`));
    assert.doesNotMatch(listed.stdout, new RegExp(`${canary}|stdio-server`));
  });

  test('one that cannot be started is an error', async () => {
    const response = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }, {}, 'missing');
    assert.match(await response.text(), /could not be started/);
  });

  test('what a server asks of its client is decided on; once its target was taken from the principal, the call ends and the client hears nothing more', async () => {
    const { client } = await connect();
    const file = join(directory, 'now');
    const first = client.callTool({ name: 'ask_once_there_is', arguments: { file } });
    writeFileSync(file, '');
    await first;
    assert.equal(elicited, 1);
    rmSync(file);
    const second = assert.rejects(client.callTool({ name: 'ask_once_there_is', arguments: { file } }), /agent was not granted tools/);
    const session = await ownSession();
    await waitUntil(
      async () => (await gateway.records(session)).filter(({ attributes }) => attributes['gen_ai.tool.name'] === 'ask_once_there_is').length === 2,
    );
    gateway.configure(configOf('[missing]'));
    await waitUntil(async () => (await post({ jsonrpc: '2.0', id: 0, method: 'ping' })).status === 403);
    await second;
    writeFileSync(file, '');
    assert.equal(elicited, 1);
    gateway.configure(configOf('[tools, missing]'));
    const asks = (await gateway.records(session)).filter(({ action }) => action === 'mcp.elicit');
    assert.deepEqual(
      asks.map(({ kind, verdict, attributes }) => [kind, verdict, attributes['countersign.asked_by']]),
      [['request', 'allow', 'target']],
    );
    assert.match(asks[0]?.content?.text ?? '', /^elicit .*Which account/);
    await waitUntil(async () => (await post({ jsonrpc: '2.0', id: 0, method: 'ping' })).status === 400);
  });

  test('a denied request reaches no server', async () => {
    const { transport } = await connect();
    const id = transport.sessionId ?? '';
    gateway.configure(configOf('[missing]'));
    const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'add', arguments: { a: 1, b: 1, note: 'denied-words' } } };
    await waitUntil(async () => (await post(call, { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': id })).status === 403);
    gateway.configure(configOf('[tools, missing]'));
    await waitUntil(
      async () => (await post({ jsonrpc: '2.0', id: 10, method: 'ping' }, { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': id })).status === 200,
    );
    // Those that were let through before the grant was withdrawn are heard; what was refused never is.
    const records = await gateway.records(await ownSession());
    const allowed = records.filter(
      ({ action, verdict, content }) => action === 'mcp.call_tool' && verdict === 'allow' && content?.text?.includes('denied-words'),
    );
    assert.equal(readFileSync(heard, 'utf8').split('denied-words').length - 1, allowed.length);
  });

  test('the servers end with the session, and with the gateway', async () => {
    const { client } = await connect();
    const { content } = await client.callTool({ name: 'environment' });
    assert.match(JSON.stringify(content), /API_KEY/);
    assert.ok(childrenOf(gateway.pid) > 0);
    for (const { session } of (await gateway.sessions()).filter(({ state }) => state === 'open')) {
      await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } });
    }
    await waitUntil(() => childrenOf(gateway.pid) === 0);
    await connect();
    assert.ok(childrenOf(gateway.pid) > 0);
    assert.equal(await gateway.signal('SIGTERM'), 0);
    assert.equal(gateway.verify().status, 0);
  });
});

/** Processes that a process has started and that are there. */
function childrenOf(pid: number): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '').length;
}
