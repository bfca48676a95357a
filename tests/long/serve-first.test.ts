import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { openSqlite } from '../../gateway/src/store/sqlite.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';

/** An earlier index that another process holds cannot be written: for the gateway it is as far behind as one that takes hours to make. */
test('T4.50: it serves before the index is whole; what needs the index says how far it is, and is answered when it has caught up', async () => {
  await using target = await openServer(async (request, response) => {
    const said = await text(request);
    const id = said.includes('late') ? 'resp_9876543210' : 'resp_0123456789';
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"id":"${id}","object":"response","output":[]}`);
  });
  await using gateway = await GatewayProcess.start({
    config: `targets: { api: { url: "${target.url}" }, tools: { protocol: mcp, url: "${target.url}" }, model: { protocol: llm, url: "${target.url}", options: { provider: openai } } }
principals: { bot: { kind: agent, targets: [api, tools, model] }, other: { kind: agent, targets: [model] } }
`,
  });
  const index = join(gateway.data, 'index.db');
  const earlier = join(gateway.directory, 'earlier');
  assert.equal(await gateway.signal('SIGTERM'), 0);
  copyFileSync(index, earlier);
  await gateway.start();
  const bot = await gateway.issueToken('bot');
  const other = await gateway.issueToken('other');
  const ask = async (path: string, body?: unknown, token = bot): Promise<Response> =>
    gateway.api(path, { token, ...(body === undefined ? {} : { method: 'POST', body }) });
  const goesOnWith = (id: string): object => ({ model: 'm', input: 'x', previous_response_id: id });
  const next = goesOnWith('resp_0123456789');
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  assert.equal((await ask('/t/model/v1/responses', { model: 'm', input: 'x' })).status, 200);
  await gateway.signal('SIGTERM');
  copyFileSync(earlier, index);
  using holder = openSqlite(index, { journal: 'wal' });
  holder.exec('BEGIN IMMEDIATE');
  await gateway.start();

  assert.equal((await ask('/t/api/x')).status, 200, 'what does not need the index is served');
  const ready = await gateway.api('/readyz');
  assert.equal(ready.status, 200);
  const howFar = /The index is catching up with the journal: it is at \d+ %\./;
  assert.match(await ready.text(), howFar);
  const behind = await Promise.all([
    gateway.api('/api/v1/sessions'),
    gateway.api(`/api/v1/sessions/${'0'.repeat(32)}/records`),
    ask('/t/model/v1/responses', next),
    ask('/t/tools', ping),
  ]);
  for (const answer of behind) {
    assert.match(await answer.text(), /catching_up/, answer.url);
  }
  assert.deepEqual(
    behind.slice(0, 3).map(({ status }) => status),
    [503, 503, 503],
  );
  assert.equal((await ask('/t/model/v1/responses', { model: 'm', input: 'late' })).status, 200);
  const asked = gateway.cli(['session', 'list']);
  assert.match(asked.stderr, howFar);
  assert.notEqual(asked.status, 0);
  assert.equal(gateway.log.match(/could not follow the journal/g)?.length, 1, 'what goes on failing is logged once');

  assert.equal(await gateway.signal('SIGTERM'), 0, 'a stop does not wait for the index');
  await gateway.start();
  holder.exec('ROLLBACK');
  await waitUntil(async () => (await (await gateway.api('/readyz')).text()) === '{"status":"ready"}');
  assert.equal((await gateway.api('/api/v1/sessions')).status, 200);
  assert.equal((await gateway.api(`/api/v1/sessions/${'0'.repeat(32)}/records`)).status, 404);
  assert.doesNotMatch(await (await ask('/t/tools', ping)).text(), /catching_up/);
  assert.equal((await ask('/t/model/v1/responses', next)).status, 200);
  // An id that was given meanwhile belongs to the client that got it.
  assert.equal((await ask('/t/model/v1/responses', goesOnWith('resp_9876543210'))).status, 200);
  assert.equal((await ask('/t/model/v1/responses', goesOnWith('resp_9876543210'), other)).status, 404);
  assert.equal(await gateway.signal('SIGTERM'), 0);
  assert.match(gateway.verify().stdout, /HOLDS/);
});

test('T4.11, T4.50, E45: an index that lacks what was noted of targets is made again, also when another process holds it as the gateway starts', async () => {
  await using target = await openServer(async (request, response) => {
    await text(request);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"resp_0123456789","object":"response","output":[]}');
  });
  await using gateway = await GatewayProcess.start({
    config: `targets: { model: { protocol: llm, url: "${target.url}", options: { provider: openai } } }
principals: { bot: { kind: agent, targets: [model] }, other: { kind: agent, targets: [model] } }
`,
  });
  const other = await gateway.issueToken('other');
  const ask = async (token: string, body: object): Promise<Response> =>
    gateway.api('/t/model/v1/responses', { token, method: 'POST', body: { model: 'm', input: 'x', ...body } });
  assert.equal((await ask(await gateway.issueToken('bot'), {})).status, 200);
  assert.equal(await gateway.signal('SIGTERM'), 0);

  using holder = openSqlite(join(gateway.data, 'index.db'), { journal: 'wal' });
  holder.exec('DELETE FROM told');
  holder.exec('BEGIN IMMEDIATE');
  await gateway.start();
  const goesOn = { previous_response_id: 'resp_0123456789' };
  assert.equal((await ask(other, goesOn)).status, 503);
  holder.exec('ROLLBACK');
  await waitUntil(async () => (await (await gateway.api('/readyz')).text()) === '{"status":"ready"}');
  assert.equal((await ask(other, goesOn)).status, 404);
});
