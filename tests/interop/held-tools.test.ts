import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { Client as StatelessClient, StreamableHTTPClientTransport as StatelessTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const policy = `@id("tools") @reason("Tools are for people to decide.") @approval("dba")
forbid (principal, action == Action::"mcp.call_tool", resource);
`;
const order = { name: 'track_parcel', arguments: { order: 101 } };

describe('held calls of tools, with the official SDK on both sides', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-held-tools-'));
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  let sessions = 0;
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'held.cedar'), policy);
    server = parts.use(await openSampleTools());
    const failing = parts.use(
      await openServer(async (request, response) => {
        if ((await text(request)).includes('"initialize"')) {
          sessions += 1;
          const headers = { 'content-type': 'application/json', 'mcp-session-id': `s-0123456789-${sessions}` };
          response
            .writeHead(200, headers)
            .end('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"f","version":"1"}}}');
          return;
        }
        response.writeHead(503, { 'content-type': 'text/plain' }).end('out of order');
      }),
    );
    gateway = parts.use(
      await GatewayProcess.start({
        config: `policies: ${directory}
limits: { heldAnswerMs: 200 }
targets:
  tools: { protocol: mcp, url: "${server.url}" }
  failing: { protocol: mcp, url: "${failing.url}" }
principals:
  ann: { kind: human, targets: [tools, failing] }
`,
      }),
    );
    token = await gateway.issueToken('ann');
  });

  const url = (target = 'tools'): URL => new URL(`http://127.0.0.1:${gateway.port('http')}/t/${target}`);
  const requestInit = (): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
  const open = async (): Promise<readonly ApprovalSummary[]> => JSON.parse(await (await gateway.api('/api/v1/approvals')).text());
  const decide = async (act: 'grant' | 'deny'): Promise<void> => {
    await waitUntil(async () => (await open()).length === 1);
    const body = act === 'grant' ? {} : { reason: 'not today' };
    assert.equal((await gateway.api(`/api/v1/approvals/${(await open())[0]?.approval}/${act}`, { method: 'POST', body })).status, 200);
  };
  interface Told {
    readonly progress: number;
    readonly message?: string | undefined;
  }
  /** Calls a tool with the client of a revision, and decides once the client was told that it waits. */
  const called = async (call: (onprogress: (told: Told) => void) => Promise<unknown>, act: 'grant' | 'deny'): Promise<unknown> => {
    const told: Told[] = [];
    const answer = call((each) => {
      told.push(each);
    }).then(
      (result) => result,
      (error: unknown) => error,
    );
    await waitUntil(() => told.length > 0);
    const [first] = told;
    assert.match(first?.message ?? '', /^countersign: Tools are for people to decide: it waits for approval by dba; countersign approval grant ap_/);
    assert.ok((first?.progress ?? 0) < 0, "the server's own progress may begin at zero");
    await decide(act);
    return answer;
  };

  test('B20: a client of a revision with sessions that wants progress is told that it waits, and gets the answer in the same stream', async () => {
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(url(), { requestInit: requestInit() }));
    const call = async (onprogress: (told: Told) => void): Promise<unknown> => client.callTool(order, undefined, { onprogress, resetTimeoutOnProgress: true });
    assert.match(JSON.stringify(await called(call, 'grant')), /left Dover/);
    const denied = await called(call, 'deny');
    assert.ok(denied instanceof Error);
    assert.match(denied.message, /operator denied it: not today/);
    await client.close();
    const records = await gateway.records((await gateway.newest()).session);
    const request = records.find(({ action, verdict }) => action === 'mcp.call_tool' && verdict === 'hold');
    const answered = records.filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === request?.seq);
    assert.match(answered.map(({ content }) => content?.text).join('\n'), /it waits for approval[^]*left Dover/);
  });

  const stateless = async (): Promise<StatelessClient> => {
    const client = new StatelessClient(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } }, inputRequired: { maxRounds: 1000 } },
    );
    await client.connect(new StatelessTransport(url(), { requestInit: requestInit() }));
    return client;
  };

  test('B20: so is a client of 2026-07-28 that wants progress', async () => {
    const client = await stateless();
    assert.match(JSON.stringify(await called(async (onprogress) => client.callTool(order, { onprogress }), 'grant')), /left Dover/);
    await client.close();
  });

  test('B20: a client of 2026-07-28 without progress is answered input_required, and its request sent again is the one that was granted', async () => {
    const client = await stateless();
    const answer = client.callTool(order);
    const asked = async (): Promise<number> =>
      (await gateway.records((await gateway.newest()).session)).filter(({ content }) => content?.text?.includes('"input_required"') === true).length;
    await waitUntil(async () => (await asked()) > 1);
    assert.equal((await open()).length, 1, 'it asks for one approval, however often it is sent');
    await decide('grant');
    assert.match(JSON.stringify((await answer).content), /left Dover/);
    const held = client.callTool({ ...order, _meta: { 'countersign/hold': 'return' } });
    const error = await held.then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Error);
    const [known] = await open();
    assert.deepEqual(Reflect.get(error, 'data'), {
      code: 'held',
      session: known?.session,
      approval: known?.approval,
      state: 'waiting',
      next: 'wait',
    });
    await decide('deny');
    await client.close();
  });

  test('a status of the target that comes too late for the client is an error that answers its request', async () => {
    const asking = fetch(url('failing'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2025-11-25',
      },
      body: '{"jsonrpc":"2.0","id":"seven","method":"tools/call","params":{"name":"x","_meta":{"progressToken":"p"}}}',
    });
    const answer = await asking;
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    await decide('grant');
    const [progress = '', last = ''] = (await answer.text()).split('\n\n');
    assert.match(progress, /^event: message\ndata: \{"jsonrpc":"2.0","method":"notifications\/progress","params":\{"progressToken":"p","progress":-1,/);
    assert.match(last, /^event: message\ndata: \{"jsonrpc":"2.0","id":"seven","error":\{[^]*status 503/);
  });

  test('B20: the same call in another session of MCP is the same request, and a call of another revision is not', async () => {
    const post = async (body: object, more: Readonly<Record<string, string>>): Promise<Response> => {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...more };
      return fetch(url('failing'), { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }) });
    };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const call = async (version: string): Promise<void> => {
      const session = (await post({ method: 'initialize', params }, {})).headers.get('mcp-session-id') ?? assert.fail();
      const more = { 'countersign-hold': 'return', 'mcp-protocol-version': version, 'mcp-session-id': session };
      assert.match(await (await post({ method: 'tools/call', params: { name: 'x' } }, more)).text(), /"code":"held"/);
    };
    for (const [version, waiting] of [
      ['2025-11-25', 1],
      ['2025-11-25', 1],
      ['2025-06-18', 2],
    ] as const) {
      await call(version);
      assert.equal((await open()).length, waiting);
    }
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
