import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

describe('WebSocket to models', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  let asked = 0;
  const models = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  before(async () => {
    server = await openServer(async (_, response) => {
      asked += 1;
      response.end('{}');
    });
    // Stands for the target: answers each event as the provider does.
    models.on('connection', (socket) => {
      socket.on('message', () => {
        socket.send(JSON.stringify({ type: 'response.done', event_id: 'event_1', response: { id: 'resp_1', status: 'completed', output: [] } }));
      });
    });
    const address = models.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    gateway = await GatewayProcess.start({
      config: `targets:
  openai: { protocol: llm, url: "${server.url}", durability: process }
  live: { protocol: llm, url: "http://127.0.0.1:${port}", durability: process }
  tools: { protocol: mcp, url: "${server.url}/mcp", durability: process }
principals:
  agent: { kind: agent, targets: [openai, live, tools] }
`,
    });
    token = gateway.token('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    models.close();
    await server[Symbol.asyncDispose]();
  });

  const refusal = async (path: string): Promise<IncomingMessage> => {
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/${path}`, { headers: { authorization: `Bearer ${token}` } });
    client.on('error', () => undefined);
    const response = await new Promise<IncomingMessage>((resolve) => client.once('unexpected-response', (_, answer) => resolve(answer)));
    response.resume();
    client.terminate();
    return response;
  };

  test('T4.25: OpenAI Realtime: every event is decided on, recorded and shown', async () => {
    const live = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/live/v1/realtime?model=gpt-realtime`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const upgraded = new Promise<IncomingMessage>((resolve) => live.once('upgrade', resolve));
    await once(live, 'open');
    const done = once(live, 'message');
    live.send(JSON.stringify({ type: 'response.create', response: { instructions: 'say hello' } }));
    assert.match(String(await done), /response.done/);
    live.close();
    await once(live, 'close');
    const answer = await upgraded;
    const records = await gateway.records(String(answer.headers['countersign-session']));
    const opened = records.find(({ action, content }) => action === 'llm.talk_live' && content?.text?.startsWith('GET ') === true);
    assert.equal(opened?.attributes['gen_ai.request.model'], 'gpt-realtime');
    const said = records.find(({ kind, content }) => kind === 'request' && content?.text?.includes('say hello') === true);
    assert.deepEqual([said?.verdict, said?.attributes['countersign.request']], ['allow', opened.seq]);
    assert.ok(records.some(({ kind, content }) => kind === 'response' && content?.text?.includes('response.done') === true));
  });

  for (const path of ['openai/v1/files', 'openai/v1/responses', 'openai/v1/chat/completions?x=1', 'tools']) {
    test(`T4.25: a WebSocket that is not let through is told to ask in plain HTTP, and is in the record: ${path}`, async () => {
      const { statusCode, headers } = await refusal(path);
      assert.deepEqual([statusCode, headers.upgrade], [426, 'HTTP/1.1']);
      const records = await gateway.records(String(headers['countersign-session']));
      const request = records.findLast(({ kind }) => kind === 'request');
      assert.equal(request?.verdict, 'deny');
      assert.match(request.content?.text ?? '', /^GET \//);
      const answer = records.findLast(({ kind }) => kind === 'response');
      assert.deepEqual([answer?.attributes['error.type'], answer?.attributes['countersign.request']], ['not_upgraded', request.seq]);
      assert.equal(asked, 0);
    });
  }
});
