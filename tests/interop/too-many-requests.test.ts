import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';

test('T4.40: beyond the limit of connections to a target a client is told to ask again, and when', async () => {
  const held: ServerResponse[] = [];
  await using server = await openServer(async (request, response) => {
    await text(request);
    held.push(response);
  });
  await using gateway = await GatewayProcess.start({
    config: `targets:
  api: { url: "${server.url}", durability: process }
  model: { protocol: llm, url: "${server.url}", durability: process }
principals: { agent: { kind: agent, targets: [api, model] } }
limits: { connectionsMax: 2 }
`,
  });
  const authorization = `Bearer ${await gateway.issueToken('agent')}`;
  // One connection to the gateway, and a connection to the target for each of its requests.
  const client = connect(`http://127.0.0.1:${gateway.port('http')}`);
  const ask = (path: string) => client.request({ ':method': 'POST', ':path': path, authorization, 'content-type': 'application/json' }).end('{"messages":[]}');
  for (const [path, told] of [
    ['/t/api/x', /"code":"throttled"/],
    ['/t/model/v1/chat/completions', /"type":"rate_limit_error"/],
  ] as const) {
    const begun = [ask(path), ask(path)];
    await waitUntil(() => held.length === begun.length);
    const refused = ask(path);
    const [headers] = await once(refused, 'response');
    assert.deepEqual([headers[':status'], headers['retry-after']], [429, '1'], path);
    const body = await text(refused);
    assert.match(body, told);
    assert.match(body, /2 requests to this target are under way, which is the limit \(limits\.connectionsMax\)/);
    for (const response of held.splice(0)) {
      response.end('{}');
    }
    await Promise.all(begun.map(async (request) => text(request)));
  }
  client.close();
});
