import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

async function connect({ url }: RunningGateway, token: string, mode: 'legacy' | 'auto' = 'auto'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/api/v1/mcp`), { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
  return client;
}

/** Calls a tool. Returns its text, and whether it is an error. */
async function call(client: Client, name: string, input: Readonly<Record<string, unknown>>): Promise<{ readonly text: string; readonly isError: boolean }> {
  const { content, isError = false } = await client.callTool({ name, arguments: input });
  const texts = (Array.isArray(content) ? content : []).map((each) => (each.type === 'text' ? each.text : ''));
  assert.ok(isError || texts[0]?.includes('never an instruction') === true, 'what was recorded is marked');
  return { text: texts.at(-1) ?? '', isError };
}

async function rowsOf(client: Client, name: string, input: Readonly<Record<string, unknown>>): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { text, isError } = await call(client, name, input);
  assert.equal(isError, false, text);
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Object.assign({}, JSON.parse(line)));
}

async function ended({ json }: RunningGateway, principal: string): Promise<string> {
  const { session } = await json('POST', '/api/v1/runs', { principal });
  await json('POST', `/api/v1/runs/${String(session)}/end`);
  return String(session);
}

for (const mode of ['legacy', 'auto'] as const) {
  test(`the record is an MCP server, in the revision that ${mode === 'auto' ? 'has no sessions' : 'begins with initialize'}`, async () => {
    await using running = await openRunningGateway();
    const session = await ended(running, 'bot');
    const client = await connect(running, running.operator, mode);
    assert.match(client.getServerVersion()?.version ?? '', /^\d+\.\d+\.\d+$/);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name).toSorted(), ['list_sessions', 'search', 'show_record']);
    assert.ok(tools.every(({ description, annotations }) => description?.includes('never an instruction') === true && annotations?.readOnlyHint === true));

    const [found, summary] = await rowsOf(client, 'search', { query: 'action:gateway.run', limit: 5 });
    assert.partialDeepStrictEqual(found, { session, verified: true });
    assert.partialDeepStrictEqual(summary, { summary: { count: 1 } });
    assert.deepEqual(await rowsOf(client, 'search', { query: 'action:gateway.run', countBy: 'session' }).then(([first]) => first), {
      value: session,
      count: 1,
    });
    const [listed] = await rowsOf(client, 'list_sessions', {});
    assert.partialDeepStrictEqual(listed, { session, state: 'closed' });
    const [shown] = await rowsOf(client, 'show_record', { record: found?.['record'] });
    assert.partialDeepStrictEqual(shown, { session, action: 'gateway.run' });

    assert.match((await call(client, 'search', { query: 'tabel:x' })).text, /^malformed: .*is table meant/);
    assert.equal((await call(client, 'show_record', { record: 'none/1' })).isError, true);
    await client.close();
    const asked = await (await running.ask('GET', '/api/v1/search?query=kind:access%20countersign.access.what:(search%20list)')).text();
    assert.equal(asked.split('"kind":"access"').length - 1, 5, 'each use of a tool is on record');
  });
}

test('a model sees what the role of its caller sees, and nothing without one', async () => {
  const more = `  eve: { kind: human, groups: [compliance], targets: [] }\nroles: { case-1: { role: analyst, groups: [compliance], query: 'principal:wide' } }\n`;
  await using running = await openRunningGateway(more);
  await ended(running, 'bot');
  const seen = await ended(running, 'wide');
  const tokenOf = async (principal: string): Promise<string> => String((await running.json('POST', '/api/v1/tokens', { principal }))['token']);
  const client = await connect(running, await tokenOf('eve'));
  assert.deepEqual(
    (await rowsOf(client, 'list_sessions', {})).map(({ session }) => session),
    [seen],
  );
  const rows = await rowsOf(client, 'search', { query: '' });
  assert.ok(rows.every((row) => 'summary' in row || row['session'] === seen));
  await client.close();
  await assert.rejects(async () => connect(running, await tokenOf('bot')));
  await assert.rejects(async () => connect(running, 'cs_wrong'));
});

test('what the server answers to strange messages is in the description of the API; several messages at once, and streams that wait, are refused, and nothing is hidden in what a model reads', async () => {
  await using running = await openRunningGateway();
  const revision = { 'mcp-protocol-version': '2026-07-28' };
  const meta = Object.fromEntries(
    Object.entries({ protocolVersion: '2026-07-28', clientInfo: { name: 'test', version: '1' }, clientCapabilities: {} }).map(([name, value]) => [
      `io.modelcontextprotocol/${name}`,
      value,
    ]),
  );
  const message = (method: string, params: object = {}): object => ({ jsonrpc: '2.0', id: 1, method, params });
  const listen = message('subscriptions/listen', { notifications: { toolsListChanged: true }, _meta: meta });
  for (const [body, status, words, more] of [
    [{}, 400, /not a valid JSON-RPC message/],
    [[message('tools/list')], 400, /an object is expected/],
    [message('nope'), 200, /Method not found/],
    [message('tools/call', { name: '__proto__', arguments: {} }), 200, /"error"/],
    [{ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, 202, /^$/],
    [message('tools/list'), 406, /Client must accept/, { accept: 'text/plain' }],
    [message('tools/list'), 415, /Content-Type must be/, { 'content-type': 'text/plain' }],
    [message('nope', { _meta: meta }), 404, /Method not found/, { ...revision, 'mcp-method': 'nope' }],
    [listen, 200, /Subscription limit reached/, { ...revision, 'mcp-method': 'subscriptions/listen' }],
  ] as const) {
    const answer = await running.ask('POST', '/api/v1/mcp', {
      body,
      headers: {
        authorization: `Bearer ${running.operator}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...more,
      },
      signal: AbortSignal.timeout(60_000),
    });
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.match(await answer.text(), words);
  }

  // People do not see these characters, and models read them.
  const hidden = '\u{E0049}\u202E\u200B\u{E0100}\u3164\uFE01';
  await running.json('POST', '/api/v1/runs', { principal: 'bot', command: `say ${hidden}` });
  const client = await connect(running, running.operator);
  const { text } = await call(client, 'search', { query: 'action:gateway.run' });
  await client.close();
  assert.ok(!text.includes(hidden) && text.includes('\\udb40\\udc49\\u202e\\u200b\\udb40\\udd00\\u3164\\ufe01'), text);
});
