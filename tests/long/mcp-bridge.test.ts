import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { makeConformanceServer } from '../../gateway/src/protocols/mcp/testdata/conformance-server.ts';
import { compileCache } from '../support/compile-cache.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { mainFile } from '../support/main-file.ts';

const program = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'mcp', 'testdata', 'stdio-server.ts');

describe('countersign mcp, for clients that speak over standard input and output alone', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  const clients: Client[] = [];
  before(async () => {
    server = await openSampleTools();
    gateway = await GatewayProcess.start({
      config: `targets:
  remote: { protocol: mcp, url: "${server.url}", durability: process }
  program: { command: ["${process.execPath}", "${program}"], environment: { ${compileCache()} }, durability: process }
  other: { protocol: mcp, url: "${server.url}" }
principals:
  agent: { kind: agent, targets: [remote, program] }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    await Promise.all(clients.map(async (client) => client.close()));
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const connect = async (target: string, mode: 'legacy' | 'auto' = 'legacy'): Promise<Client> => {
    const client = new Client({ name: 'desktop', version: '1' }, { capabilities: { sampling: {} }, versionNegotiation: { mode } });
    client.setRequestHandler('sampling/createMessage', () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'Paris' } }));
    clients.push(client);
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [mainFile, 'mcp', target, '--config', gateway.configFile],
        env: { ...process.env, COUNTERSIGN_TOKEN: token },
        stderr: 'inherit',
      }),
    );
    return client;
  };

  for (const mode of ['legacy', 'auto'] as const) {
    test(`a server over HTTP, in the revision that ${mode === 'auto' ? 'has no sessions' : 'begins with initialize'}`, async () => {
      const client = await connect('remote', mode);
      assert.deepEqual(
        (await client.listTools()).tools.map(({ name }) => name),
        ['track_parcel'],
      );
      assert.match(JSON.stringify((await client.callTool({ name: 'track_parcel', arguments: { order: 101 } })).content), /left Dover/);
      await client.close();
      const records = await gateway.records((await gateway.newest()).session);
      assert.equal(
        records.findLast(({ action }) => action === 'mcp.call_tool')?.attributes['mcp.protocol.version'],
        mode === 'auto' ? '2026-07-28' : '2025-11-25',
      );
    });
  }

  test('a server that is a program: what it asks of the client, its death in a call, and the call after it', async () => {
    const client = await connect('program');
    assert.match(JSON.stringify((await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })).content), /"5"/);
    assert.match(JSON.stringify((await client.callTool({ name: 'ask' })).content), /Paris/);
    await assert.rejects(client.callTool({ name: 'die' }), /has ended/);
    assert.match(JSON.stringify((await client.callTool({ name: 'add', arguments: { a: 4, b: 4 } })).content), /"8"/);
    await client.close();
    const records = await gateway.records((await gateway.newest()).session);
    await waitUntil(async () => (await gateway.records(records[0]?.session ?? '')).some(({ action }) => action === 'mcp.end_session'));
  });

  test('what may not be done is an error that names its request', async () => {
    await assert.rejects(connect('other'), /not granted/);
    const { status, stdout } = gateway.cli(['mcp', 'other'], {
      input: '{"jsonrpc":"2.0","id":"mine","method":"initialize","params":{}}\nnot a message\n',
      environment: { COUNTERSIGN_TOKEN: token },
    });
    assert.equal(status, 1);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line): { id: unknown; error: { message: string } } => JSON.parse(line));
    assert.deepEqual(new Set(answers.map(({ id }) => id)), new Set(['mine', null]));
    assert.ok(answers.every(({ error }) => error.message.startsWith('countersign: ')));
  });

  test('--as makes a token that lasts as long as the bridge runs', () => {
    const { status, stdout } = gateway.cli(['mcp', 'program', '--as', 'agent'], {
      input:
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2},"_meta":{"progressToken":"p"}}}\n',
    });
    assert.equal(status, 0);
    const [began, progress, result, ...more] = stdout.split('\n');
    assert.match(began ?? '', /"id":1[,}]/);
    assert.match(progress ?? '', /"notifications\/progress".*"progressToken":"p"/);
    assert.match(result ?? '', /"text":"3"/);
    assert.deepEqual(more, ['']);
    const tokens = gateway.rows<{ readonly revoked: string | null }>(['token', 'list', '--all']);
    assert.deepEqual(
      tokens.map(({ revoked }) => revoked === null),
      [true, false],
    );
  });

  test('the record holds', () => {
    assert.equal(gateway.verify().status, 0);
  });

  test('T4.28: after a restart of the server or the gateway the bridge begins the session again and repeats the call', async () => {
    const heard: string[] = [];
    let sessions = new Map<string, StreamableHTTPServerTransport>();
    await using stateful = await openServer(async (request, response) => {
      const named = request.headers['mcp-session-id'];
      const known = sessions.get(String(named));
      heard.push(`${request.method} ${named === undefined ? 'new' : known === undefined ? 'unknown' : 'known'}`);
      if (known === undefined && named !== undefined) {
        response.writeHead(404).end();
        return;
      }
      const transport =
        known ??
        new StreamableHTTPServerTransport({
          sessionIdGenerator: randomUUID,
          onsessioninitialized: (id) => {
            sessions.set(id, transport);
          },
        });
      if (known === undefined) {
        await makeConformanceServer().connect(transport);
      }
      await transport.handleRequest(request, response);
    });
    await using own = await GatewayProcess.start({
      config: `targets:
  remote: { protocol: mcp, url: "${stateful.url}", durability: process }
  program: { command: ["${process.execPath}", "${program}"], environment: { ${compileCache()} }, durability: process }
principals:
  agent: { kind: agent, targets: [remote, program] }
`,
    });
    // It comes back where it was.
    writeFileSync(own.configFile, readFileSync(own.configFile, 'utf8').replace('http: 127.0.0.1:0', `http: 127.0.0.1:${own.port('http')}`));
    const pass = await own.issueToken('agent');
    const bridged = async (target: string): Promise<Client> => {
      const client = new Client({ name: 'desktop', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
      clients.push(client);
      const args = [mainFile, 'mcp', target, '--config', own.configFile];
      await client.connect(new StdioClientTransport({ command: process.execPath, args, env: { ...process.env, COUNTERSIGN_TOKEN: pass }, stderr: 'inherit' }));
      return client;
    };
    const [remote, local] = await Promise.all([bridged('remote'), bridged('program')]);
    const names = async (client: Client): Promise<number> => (await client.listTools()).tools.length;
    const [ofRemote, ofLocal] = [await names(remote), await names(local)];
    sessions = new Map();
    const first = heard.length;
    assert.deepEqual(await Promise.all([names(remote), names(remote)]), [ofRemote, ofRemote]);
    const since = heard.slice(first).filter((each) => each.startsWith('POST'));
    assert.equal(since.filter((each) => each === 'POST new').length, 1, 'two that noticed begin once');
    assert.ok(since.filter((each) => each === 'POST unknown').length <= 2, 'each is sent once more, and no more');
    // The program ended with the gateway; what is asked while the gateway is away waits for it.
    await own.signal('SIGKILL');
    const asked = [names(remote), names(local)];
    await own.start();
    assert.deepEqual(await Promise.all(asked), [ofRemote, ofLocal]);
    // Without end on the part of the server it is an error.
    await stateful[Symbol.asyncDispose]();
    await assert.rejects(names(remote));
  });

  test('T4.28: a server of the transport before Streamable HTTP is refused, to its clients and to the bridge', async () => {
    await using old = await openServer(async (request, response) => {
      request.resume();
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        // Head and event come apart.
        response.flushHeaders();
        setTimeout(() => response.write('event: endpoint\ndata: /messages?sessionId=1\n\n'), 50);
      } else {
        response.writeHead(405).end();
      }
      await Promise.resolve();
    });
    await using own = await GatewayProcess.start({
      config: `targets:
  old: { protocol: mcp, url: "${old.url}/sse", durability: process }
principals:
  agent: { kind: agent, targets: [old] }
`,
    });
    const authorization = `Bearer ${await own.issueToken('agent')}`;
    const url = new URL(`http://127.0.0.1:${own.port('http')}/t/old`);
    const client = new OldClient({ name: 'old', version: '1' });
    const withToken: typeof fetch = async (input, init) =>
      fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), authorization } });
    await assert.rejects(client.connect(new SSEClientTransport(url, { eventSourceInit: { fetch: withToken } })));
    const records = await own.records((await own.newest()).session);
    assert.ok(records.some(({ kind, attributes }) => kind === 'response' && attributes['error.type'] === 'unsupported'));
    await client.close();
    const bridged = new Client({ name: 'desktop', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
    const args = [mainFile, 'mcp', 'old', '--config', own.configFile];
    const transport = new StdioClientTransport({ command: process.execPath, args, env: { ...process.env, COUNTERSIGN_TOKEN: authorization.slice(7) } });
    await assert.rejects(bridged.connect(transport), /405/);
    await bridged.close();
  });
});
