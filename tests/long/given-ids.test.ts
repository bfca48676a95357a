import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { makeConformanceServer } from '../../gateway/src/protocols/mcp/testdata/conformance-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** A request that reached the target. */
interface Heard {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

async function newRun(gateway: GatewayProcess, principal: string): Promise<string> {
  const made = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal } });
  const run: { readonly token: string } = JSON.parse(await made.text());
  return run.token;
}

async function denials(gateway: GatewayProcess): Promise<string[]> {
  const records = (await Promise.all((await gateway.sessions()).map(async ({ session }) => gateway.records(session)))).flat();
  return records.flatMap(({ kind, verdict, attributes }) => (kind === 'request' && verdict === 'deny' ? [String(attributes['countersign.reason'])] : []));
}

describe('ids that an MCP server gives', () => {
  const heard: Heard[] = [];
  let server: SampleServer;
  let gateway: GatewayProcess;
  let mine: string;
  let others: string;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(await openStatefulServer(heard));
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  tools: { protocol: mcp, url: "${server.url}", durability: process }
  again: { protocol: mcp, url: "${server.url}", durability: process }
  shared: { protocol: mcp, url: "${server.url}", durability: process, options: { ids: anybody } }
principals:
  agent: { kind: agent, targets: [tools, again, shared] }
  other: { kind: agent, targets: [tools, again, shared] }
`,
      }),
    );
    mine = await gateway.issueToken('agent');
    others = await gateway.issueToken('other');
  });

  const ask = async (
    token: string,
    options: { readonly method?: string; readonly target?: string; readonly body?: string; readonly headers?: Record<string, string> },
  ) => {
    const { method = 'POST', target = 'tools', body, headers = {} } = options;
    const given = { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25', ...headers };
    return fetch(`http://127.0.0.1:${gateway.port('http')}/t/${target}`, {
      method,
      headers: body === undefined ? given : { ...given, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  };
  const begin = async (token: string, target = 'tools'): Promise<string> => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const answered = await ask(token, { target, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }) });
    await answered.text();
    const session = answered.headers.get('mcp-session-id') ?? '';
    assert.notEqual(session, '');
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await (await ask(token, { target, body, headers: { 'mcp-session-id': session } })).text();
    return session;
  };
  const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}';

  test('T4.7, E50: nobody uses, resumes or deletes the session of another, across restarts; it looks like an unknown one', async () => {
    const session = await begin(mine);
    const headers = { 'mcp-session-id': session };
    assert.match(await (await ask(mine, { body: list, headers })).text(), /test_simple_text/);
    const asked = (await gateway.records((await gateway.newest()).session)).filter(({ kind }) => kind === 'request');
    assert.deepEqual(
      asked.flatMap(({ action, attributes }) => (action === 'mcp.connect' ? [] : [[action, attributes['countersign.client.claims']]])),
      ['mcp.initialize', 'mcp.initialized', 'mcp.list_tools'].map((action) => [action, ['clientInfo.name=test', 'clientInfo.version=1']]),
      'what the client said of itself as it began the session holds for the whole session',
    );
    const unknown = await ask(others, { body: list, headers: { 'mcp-session-id': randomUUID() } });
    const words = (await unknown.text()).replaceAll(/[\da-f]{32}/g, 'SESSION');
    assert.equal(unknown.status, 404);
    assert.match(words, /"code":-32001/);
    const earlier = heard.length;
    for (const restarted of [false, true]) {
      if (restarted) {
        await gateway.signal('SIGKILL');
        await gateway.start();
      }
      for (const target of ['tools', 'again']) {
        const used = await ask(others, { target, body: list, headers });
        assert.deepEqual([used.status, (await used.text()).replaceAll(/[\da-f]{32}/g, 'SESSION')], [404, words]);
        for (const method of ['GET', 'DELETE']) {
          assert.equal((await ask(others, { target, method, headers })).status, 404);
        }
        // A revision without sessions has them none the less where the server knows the header.
        const stateless = { ...headers, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
        const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: { _meta: meta } });
        assert.equal((await ask(others, { target, body, headers: stateless })).status, 404);
      }
    }
    assert.equal(heard.length, earlier);
    assert.match(await (await ask(mine, { body: list, headers })).text(), /test_simple_text/);
    assert.ok((await denials(gateway)).some((reason) => reason.includes('gave to somebody else')));
    assert.equal((await ask(mine, { method: 'DELETE', headers })).status, 200);
  });

  test('T4.7, E50: an event of a stream is resumed by whom it was given to', async () => {
    const [own, foreign] = [await begin(mine), await begin(others)];
    const call = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"test_simple_text","arguments":{}}}';
    const answered = await (await ask(mine, { body: call, headers: { 'mcp-session-id': own } })).text();
    const [event] = [...answered.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id ?? '');
    assert.ok(event !== undefined);
    const earlier = heard.length;
    const stolen = await ask(others, { method: 'GET', headers: { 'mcp-session-id': foreign, 'last-event-id': event } });
    assert.equal(stolen.status, 404);
    assert.equal(heard.length, earlier);
    await gateway.signal('SIGKILL');
    await gateway.start();
    const resumed = await ask(mine, { method: 'GET', headers: { 'mcp-session-id': own, 'last-event-id': event } });
    assert.equal(resumed.status, 200);
    await resumed.body?.cancel();
  });

  test('T4.7, E50: an id that a run was given is for that run, and an id that was given outside is for no run', async () => {
    const [first, second] = [await newRun(gateway, 'agent'), await newRun(gateway, 'agent')];
    const ofRun = { 'mcp-session-id': await begin(first) };
    const outside = { 'mcp-session-id': await begin(mine) };
    assert.equal((await ask(first, { body: list, headers: ofRun })).status, 200);
    for (const [token, headers] of [
      [second, ofRun],
      [mine, ofRun],
      [first, outside],
    ] as const) {
      assert.equal((await ask(token, { body: list, headers })).status, 404);
    }
  });

  test('T4.7: if it is configured so, a session is for everybody who has the target', async () => {
    const headers = { 'mcp-session-id': await begin(mine, 'shared') };
    assert.equal((await ask(others, { target: 'shared', body: list, headers })).status, 200);
  });

  test('T4.7, E50: tasks and the state of a request that asks for more are for whom they were given to', async () => {
    const answer = (id: number) => ({ jsonrpc: '2.0', id, result: id === 1 ? { task: { taskId: 'task-1', status: 'working' } } : { requestState: 'state-1' } });
    let count = 0;
    await using tasks = await openServer(async (request, response) => {
      count += 1;
      const { id } = JSON.parse(await text(request));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(id)));
    });
    await using own = await GatewayProcess.start({
      config: `targets:\n  tools: { protocol: mcp, url: "${tasks.url}", durability: process }\nprincipals:\n  agent: { kind: agent, targets: [tools] }\n  other: { kind: agent, targets: [tools] }\n`,
    });
    const [agent, other] = [await own.issueToken('agent'), await own.issueToken('other')];
    const send = async (token: string, id: number, method: string, params: object): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${own.port('http')}/t/tools`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      });
      assert.equal(response.status, 200);
      return response.text();
    };
    await send(agent, 1, 'tools/call', { name: 'slow', arguments: {} });
    await send(agent, 2, 'tools/call', { name: 'asks', arguments: {} });
    for (const token of [other, agent]) {
      const earlier = count;
      const answers = [
        await send(token, 3, 'tasks/get', { taskId: 'task-1' }),
        await send(token, 4, 'tasks/cancel', { taskId: 'task-1' }),
        await send(token, 5, 'tools/call', { name: 'asks', arguments: {}, requestState: 'state-1' }),
      ];
      assert.deepEqual(
        answers.map((each) => each.includes('"error"')),
        Array.from({ length: 3 }, () => token === other),
      );
      assert.equal(count - earlier, token === other ? 0 : 3);
    }
  });
});

interface Provider {
  readonly provider: string;
  /** The requests that get an id, and the requests that then name it. */
  readonly given: readonly {
    readonly asked: Asked;
    readonly answer: string;
    readonly type?: string;
    readonly headers?: Record<string, string>;
    readonly named: readonly Asked[];
  }[];
}

type Asked = readonly [method: string, path: string, body?: object | string];

const providers: readonly Provider[] = [
  {
    provider: 'openai',
    given: [
      {
        asked: ['POST', '/v1/responses', { model: 'm', input: 'a' }],
        answer: '{"id":"resp_0123456789abcdef","object":"response","output":[]}',
        named: [
          ['POST', '/v1/responses', { model: 'm', input: 'b', previous_response_id: 'resp_0123456789abcdef' }],
          ['POST', '/v1/responses', '{"model":"m","input":"b","previous_response_id":"\\u0072esp_0123456789abcdef"}'],
          ['GET', '/v1/responses/resp_0123456789abcdef'],
          ['GET', '/v1/responses/%72esp_0123456789abcdef'],
          ['DELETE', '/v1/responses/resp_0123456789abcdef'],
          ['POST', '/v1/responses/resp_0123456789abcdef/cancel'],
        ],
      },
      {
        asked: ['POST', '/v1/responses', { model: 'm', input: 'a', stream: true }],
        type: 'text/event-stream',
        answer: 'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_streamed0123","output":[]}}\n\n',
        named: [['POST', '/v1/responses', { model: 'm', input: 'b', previous_response_id: 'resp_streamed0123' }]],
      },
      {
        asked: ['POST', '/v1/conversations', {}],
        answer: '{"id": "conv_0123456789abcdef", "object": "conversation"}',
        named: [
          ['POST', '/v1/responses', { model: 'm', input: 'b', conversation: { id: 'conv_0123456789abcdef' } }],
          ['GET', '/v1/conversations/conv_0123456789abcdef/items'],
        ],
      },
      {
        asked: ['POST', '/v1/files', 'a file'],
        answer: '{"id":"file-0123456789ab","object":"file"}',
        named: [
          ['GET', '/v1/files/file-0123456789ab/content'],
          ['POST', '/v1/batches', { input_file_id: 'file-0123456789ab', endpoint: '/v1/responses', completion_window: '24h' }],
          ['POST', '/v1/vector_stores', { file_ids: ['file-0123456789ab'] }],
          ['POST', '/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-0123456789ab' } }] }] }],
        ],
      },
      {
        asked: ['POST', '/v1/batches', { input_file_id: 'file-elsewhere00', endpoint: '/v1/responses', completion_window: '24h' }],
        answer: '{"id":"batch_0123456789","object":"batch","input_file_id":"file-elsewhere00","output_file_id":"file-output0123"}',
        named: [
          ['GET', '/v1/batches/batch_0123456789'],
          ['GET', '/v1/files/file-output0123/content'],
        ],
      },
      {
        asked: ['POST', '/v1/threads', {}],
        answer: '{"id":"thread_0123456789","object":"thread"}',
        named: [['POST', '/v1/threads/thread_0123456789/runs', { assistant_id: 'asst_elsewhere00' }]],
      },
    ],
  },
  {
    provider: 'anthropic',
    given: [
      {
        asked: ['POST', '/v1/files', 'a file'],
        answer: '{"id":"file_011CNha8iCJcU1wXNR6q4V8w","type":"file"}',
        named: [
          [
            'POST',
            '/v1/messages',
            {
              model: 'm',
              max_tokens: 1,
              messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'file_011CNha8iCJcU1wXNR6q4V8w' } }] }],
            },
          ],
          ['DELETE', '/v1/files/file_011CNha8iCJcU1wXNR6q4V8w'],
        ],
      },
      {
        asked: ['POST', '/v1/messages/batches', { requests: [] }],
        answer: '{"id":"msgbatch_013Zva2CMHLNnXjNJJKqJ2EF","type":"message_batch"}',
        named: [['GET', '/v1/messages/batches/msgbatch_013Zva2CMHLNnXjNJJKqJ2EF/results']],
      },
    ],
  },
  {
    provider: 'gemini',
    given: [
      {
        asked: ['POST', '/upload/v1beta/files', 'a file'],
        answer: '{"file":{"name":"files/abc-123","uri":"https://generativelanguage.googleapis.com/v1beta/files/abc-123"}}',
        named: [
          ['GET', '/v1beta/files/abc-123'],
          [
            'POST',
            '/v1beta/models/g:generateContent',
            { contents: [{ parts: [{ fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc-123' } }] }] },
          ],
        ],
      },
      {
        asked: ['POST', '/v1beta/cachedContents', { model: 'models/g' }],
        answer: '{"name":"cachedContents/xyz789","model":"models/g"}',
        named: [['POST', '/v1beta/models/g:generateContent', { contents: [], cachedContent: 'cachedContents/xyz789' }]],
      },
    ],
  },
  {
    provider: 'bedrock',
    given: [
      {
        asked: ['PUT', '/sessions/', {}],
        answer: '{"sessionId":"0b1c2d3e-0000-4000-8000-0123456789ab","sessionStatus":"ACTIVE"}',
        named: [['DELETE', '/sessions/0b1c2d3e-0000-4000-8000-0123456789ab/']],
      },
      {
        asked: ['POST', '/agents/AGENT/agentAliases/ALIAS/sessions/my-session/text', { inputText: 'hello' }],
        answer: '{}',
        headers: { 'x-amz-bedrock-agent-session-id': 'my-session' },
        named: [['POST', '/agents/AGENT/agentAliases/ALIAS/sessions/my-session/text', { inputText: 'what did I say?' }]],
      },
    ],
  },
];

describe('ids that providers of models give', () => {
  const heard: Heard[] = [];
  let answer: Provider['given'][number] | null = null;
  let gateway: GatewayProcess;
  let mine: string;
  let others: string;
  const parts = suiteParts();
  before(async () => {
    const server = parts.use(
      await openServer(async (request, response) => {
        heard.push({ method: request.method ?? '', url: request.url ?? '', body: await text(request) });
        response.writeHead(200, { 'content-type': answer?.type ?? 'application/json', ...answer?.headers }).end(answer?.answer ?? '{"data":[]}');
      }),
    );
    const names = providers.flatMap(({ provider }) => [provider, `same-${provider}`]);
    const targets = names.map((name) => {
      const options = `{ provider: ${name.replace('same-', '')} }`;
      return `  ${name}: { protocol: llm, url: "${server.url}", durability: process, options: ${options} }\n`;
    });
    const principals = ['agent', 'other'].map((name) => `  ${name}: { kind: agent, targets: [${names.join(', ')}] }\n`);
    gateway = parts.use(await GatewayProcess.start({ config: `targets:\n${targets.join('')}principals:\n${principals.join('')}` }));
    [mine, others] = [await gateway.issueToken('agent'), await gateway.issueToken('other')];
  });

  const ask = async (token: string, target: string, [method, path, body]: Asked): Promise<Response> => {
    const type = typeof body === 'string' && !body.startsWith('{') ? 'multipart/form-data; boundary=x' : 'application/json';
    const response = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/${target}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    await response.text();
    return response;
  };
  const assertOwn = async ({ provider, given }: Provider): Promise<void> => {
    for (const named of given.flatMap((each) => each.named)) {
      const earlier = heard.length;
      assert.equal((await ask(others, provider, named)).status, 404, named[1]);
      assert.equal((await ask(others, `same-${provider}`, named)).status, 404, named[1]);
      assert.equal(heard.length, earlier);
      assert.equal((await ask(await newRun(gateway, 'agent'), provider, named)).status, 200, named[1]);
      assert.equal(heard.length, earlier + 1);
    }
  };

  for (const each of providers) {
    test(`T4.7, E50: what ${each.provider} keeps for one principal is there for no other, in any run`, async () => {
      for (const given of each.given) {
        answer = given;
        assert.equal((await ask(mine, each.provider, given.asked)).status, 200);
      }
      answer = null;
      await assertOwn(each);
    });
  }

  test('T4.7, E50: that is so across restarts', async () => {
    await gateway.signal('SIGKILL');
    await gateway.start();
    for (const each of providers) {
      await assertOwn(each);
    }
    assert.ok((await denials(gateway)).every((reason) => reason.includes('gave to somebody else')));
    assert.equal(gateway.verify().status, 0);
  });
});

test('T4.7, E50: however a request spells an id, it belongs to the one who was given it; a body that cannot be read is refused', async () => {
  const id = 'resp_0123456789abcdef';
  const heard: string[] = [];
  await using server = await openServer(async (incoming, response) => {
    heard.push(incoming.url ?? '');
    await text(incoming);
    response.setHeader('content-type', 'application/json').end(`{"id":"${id}","object":"response","output":[]}`);
  });
  await using gateway = await GatewayProcess.start({
    config: `targets: { model: { protocol: llm, url: "${server.url}", durability: process, options: { provider: openai } } }
principals: { agent: { kind: agent, targets: [model] }, other: { kind: agent, targets: [model] } }
`,
  });
  const ask = async (token: string, path: string, body?: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/model/v1/${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
    await response.text();
    return response.status;
  };
  const [mine, others] = [await gateway.issueToken('agent'), await gateway.issueToken('other')];
  assert.equal(await ask(mine, 'responses', '{"model":"m","input":"a"}'), 200);
  heard.length = 0;
  const named = JSON.stringify({ model: 'm', input: 'b', previous_response_id: id });
  const utf16 = new Uint8Array(Buffer.from(JSON.stringify({ response: id }), 'utf16le'));
  const spelled: readonly (readonly [status: number, path: string, body?: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>])[] = [
    [404, `responses/${id}?note=a%20b`],
    [404, `responses/${id}?note=${'x'.repeat(3000)}`],
    [404, 'responses/resp%255F0123456789abcdef'],
    [404, 'responses', named.replace(id, ` ${id} `)],
    [404, 'responses', named.replace(id, `\\n${id}`)],
    [404, 'anything', JSON.stringify({ [id]: true })],
    [404, 'anything', `a=b&id=${id}`, { 'content-type': 'application/x-www-form-urlencoded' }],
    [404, 'anything', 'id=resp%5F0123456789abcdef', { 'content-type': 'application/x-www-form-urlencoded' }],
    [404, 'responses', new Uint8Array(gzipSync(named)), { 'content-encoding': 'gzip' }],
    [400, 'responses', new Uint8Array(deflateRawSync(named)), { 'content-encoding': 'deflate' }],
    [400, 'responses', new Uint8Array(gzipSync(named)), { 'content-encoding': 'another' }],
    [400, 'responses', named, { 'content-encoding': Array.from({ length: 500 }, () => 'identity').join() }],
    [400, 'anything', utf16],
  ];
  for (const [status, path, body, headers] of spelled) {
    assert.equal(await ask(others, path, body, headers), status, `${path} ${String(body)}`);
  }
  assert.deepEqual(heard, []);
  assert.equal(await ask(mine, `responses/${id}?note=a%20b`), 200);
  // A name in prose names nothing, and an upload is no text.
  assert.equal(await ask(others, 'responses', JSON.stringify({ model: 'm', input: `what is ${id} about?` })), 200);
  assert.equal(await ask(others, 'anything', new Uint8Array(16), { 'content-type': 'application/octet-stream' }), 200);
});

async function openStatefulServer(heard: Heard[]): Promise<SampleServer> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  return openServer(async (incoming, response) => {
    heard.push({ method: incoming.method ?? '', url: incoming.url ?? '', body: '' });
    const named = incoming.headers['mcp-session-id'];
    const known = transports.get(String(named));
    if (known === undefined && named !== undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}');
      return;
    }
    const transport =
      known ??
      new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: memoryOfEvents(),
        onsessioninitialized: (id) => {
          transports.set(id, transport);
        },
      });
    if (known === undefined) {
      await makeConformanceServer().connect(transport);
    }
    await transport.handleRequest(incoming, response);
  });
}

/** Keeps the events of all sessions. A client that names an event gets the events after it. */
function memoryOfEvents(): EventStore {
  const streams: string[] = [];
  return {
    storeEvent: async (stream) => Promise.resolve(String(streams.push(stream) - 1)),
    getStreamIdForEventId: async (id) => Promise.resolve(streams[Number(id)]),
    replayEventsAfter: async (last) => Promise.resolve(streams[Number(last)] ?? ''),
  };
}
