import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

describe('WebSocket to models', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let token: string;
  let asked = 0;
  before(async () => {
    server = await openServer(async (_, response) => {
      asked += 1;
      response.end('{}');
    });
    gateway = await GatewayProcess.start({
      config: `targets:
  openai: { protocol: llm, url: "${server.url}", durability: process }
  tools: { protocol: mcp, url: "${server.url}/mcp", durability: process }
principals:
  agent: { kind: agent, targets: [openai, tools] }
`,
    });
    token = gateway.token('agent');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
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

  for (const path of ['openai/v1/files', 'openai/v1/chat/completions?x=1', 'tools']) {
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
