import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import OpenAI from 'openai';
import type { ComparedStep } from '@countersign/gateway/comparison';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';

const trace = 'ab'.repeat(16);
const spanOf = (digit: string): string => `00-${trace}-${digit.repeat(16)}-01`;
/** The ids of the calls that the model asks for. */
const [first, second] = ['call_1', 'call_2'] as const;

interface Run {
  readonly session: string;
  readonly token: string;
  readonly traceparent: string;
}

describe('what a request of an agent is due to, with psql, fetch and the clients of OpenAI and MCP', requireProgram('psql'), () => {
  let model: ModelServer;
  let tools: SampleServer;
  let site: SampleServer;
  let database: PostgresServer;
  let gateway: GatewayProcess;
  before(async () => {
    model = await startModelServer();
    tools = await openSampleTools();
    site = await openServer(async (request, response) => {
      await text(request);
      response.sendDate = false;
      response.end('ok');
    });
    database = await startPostgres();
    gateway = await GatewayProcess.start({
      config: `targets:
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
  model: { protocol: llm, url: "${model.url}", durability: process }
  tools: { protocol: mcp, url: "${tools.url}", durability: process }
  site: { protocol: http, url: "${site.url}", durability: process }
principals:
  bot: { kind: agent, targets: [shop, model, tools, site] }
`,
      environment: { SHOP_PASSWORD: database.password },
    });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await Promise.all([database, model, tools, site].map(async (server) => server[Symbol.asyncDispose]()));
  });

  /** Without holding up this process, whose connections to the gateway would be closed meanwhile. */
  const cli = async (...words: readonly string[]): Promise<CliResult> => {
    const child = gateway.spawnCli(words);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status, stdout, stderr };
  };
  const openRun = async (): Promise<Run> => {
    const made = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot', command: 'agent' } });
    const { session, token, traceparent }: Run = JSON.parse(await made.text());
    return { session, token, traceparent };
  };
  const base = (): string => `http://127.0.0.1:${gateway.port('http')}/t`;
  const prompt = async ({ token }: Run, traceparent: string): Promise<void> => {
    const client = new OpenAI({ baseURL: `${base()}/model/v1`, apiKey: token, maxRetries: 0, defaultHeaders: { traceparent } });
    await client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'go' }] });
  };
  const callTool = async ({ token }: Run, order: number, meta: Readonly<Record<string, string>>): Promise<void> => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${base()}/tools`), { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
    await client.callTool({ name: 'track_parcel', arguments: { order }, _meta: meta });
    await client.close();
  };
  const statement = async ({ token }: Run, sql: string): Promise<void> => {
    const through = { PGHOST: '127.0.0.1', PGPORT: String(gateway.port('postgres')), PGUSER: 'bot', PGPASSWORD: token, PGDATABASE: 'shop' };
    const { status, stderr } = await psql(through, ['-qc', sql, '-o', '/dev/null']);
    assert.equal(status, 0, stderr);
  };
  const get = async ({ token }: Run, path: string, headers: Readonly<Record<string, string>> = {}): Promise<void> => {
    const response = await fetch(`${base()}/site${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
    assert.equal(await response.text(), 'ok');
  };
  /** The agent's turn; `named` is the call that it says it makes. */
  const act = async (run: Run, named: string): Promise<void> => {
    await prompt(run, spanOf('1'));
    await callTool(run, 101, { 'claudecode/toolUseId': named, traceparent: spanOf('2') });
    await statement(run, `select 'within' /*traceparent='${spanOf('2')}'*/`);
    await get(run, '/within', { traceparent: spanOf('2') });
    await callTool(run, 102, { traceparent: spanOf('3') });
    await get(run, '/in-the-unnamed', { traceparent: spanOf('3') });
    await statement(run, "select 'unrelated'");
    await get(run, '/unrelated', { traceparent: run.traceparent });
    await get(run, '/named', { 'x-tool-call': second });
    await gateway.api(`/api/v1/runs/${run.session}/end`, { method: 'POST', body: {} });
  };

  test('T4.23: certain where the client names the id, the span or the trace of a call, likely by time, in every output', async () => {
    const run = await openRun();
    const watching = gateway.spawnCli(['session', 'watch', run.session, '--json']);
    const watched = text(watching.stdout);
    await act(run, first);
    const records = await gateway.records(run.session);
    const calls = records.filter(({ action }) => action === 'mcp.call_tool');
    const causes = records
      .filter(({ kind, target, action }) => kind === 'request' && (action === 'mcp.call_tool' || action === 'postgres.query' || target === 'site'))
      .map(({ attributes: of }) => [of['gen_ai.tool.call.id'] ?? null, of['countersign.likely_tool_calls'] ?? null, of['countersign.caused_by'] ?? null]);
    const [one, two] = calls.map(({ seq }) => seq);
    const both = [first, second];
    assert.deepEqual(causes, [
      [[first], null, null],
      [[first], null, one],
      [[first], null, one],
      [null, both, null],
      [null, both, two],
      [null, both, null],
      [null, both, null],
      [[second], null, null],
    ]);
    assert.deepEqual(
      records.flatMap(({ action, attributes }) =>
        attributes['countersign.traceparent'] === undefined ? [] : [[action, attributes['countersign.traceparent']]],
      ),
      [
        ['gateway.run', run.traceparent],
        ['llm.chat', spanOf('1')],
        ['mcp.call_tool', spanOf('2')],
        ['postgres.query', spanOf('2')],
        ['http.request', spanOf('2')],
        ['mcp.call_tool', spanOf('3')],
        ['http.request', spanOf('3')],
        ['http.request', run.traceparent],
      ],
    );

    const rows = (lines: string): ShownRecord[] =>
      lines
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    const bundle = join(gateway.directory, 'run.bundle');
    assert.equal((await cli('session', 'export', run.session, '--out', bundle)).status, 0);
    const json = [
      ['show', run.session],
      ['show', run.session, '--data', gateway.data],
      ['show', bundle],
    ];
    // A file needs no gateway, and takes no word of where one is.
    const read = async (...words: readonly string[]): Promise<CliResult> =>
      words.includes(bundle) ? gateway.cliAsIs(['session', ...words]) : cli('session', ...words);
    for (const words of json) {
      const { status, stdout, stderr } = await read(...words, '--json');
      assert.equal(status, 0, stderr);
      assert.deepEqual(rows(stdout), records, words.join(' '));
    }
    assert.deepEqual(rows(await watched), records);

    const line = (what: string, facts: string): RegExp => new RegExp(`^.* → ${what} .*?${facts} #\\d+$`, 'm');
    for (const words of [...json, ['replay', run.session, '--no-wait'], ['replay', bundle, '--no-wait']]) {
      const { stdout } = await read(...words);
      assert.match(stdout, line('mcp.call_tool tools', `call=${first}`), words.join(' '));
      assert.match(stdout, line('postgres.query shop', `call=${first} caused_by=${one}`));
      assert.match(stdout, line('http.request site', `call=${first} caused_by=${one}`));
      assert.match(stdout, line('http.request site', `likely_call=${first},${second} caused_by=${two}`));
      assert.match(stdout, line('postgres.query shop', `likely_call=${first},${second}`));
      assert.match(stdout, line('http.request site', `(?<!likely_)call=${second}`));
      assert.doesNotMatch(stdout, new RegExp(`→.* call=${first},${second}`), 'what is likely is never printed as certain');
    }
  });

  test('T4.23: diff shows certain and likely causes as show does, and counts another named call as a difference', async () => {
    const [a, b, c] = [await openRun(), await openRun(), await openRun()];
    await act(a, first);
    await act(b, first);
    await act(c, second);
    const alike = await cli('session', 'diff', a.session, b.session);
    assert.equal(alike.status, 0, alike.stdout);
    const { status, stdout } = await cli('session', 'diff', a.session, c.session);
    assert.equal(status, 1);
    assert.match(stdout, /they part at mcp\.call_tool tools #\d+: its clients name different calls as its cause/);
    assert.match(stdout, new RegExp(`^- call=${first}\n\\+ call=${second}$`, 'm'));
    assert.match(stdout, new RegExp(`^- call=${first} caused_by=\\d+\n\\+ call=${second} caused_by=\\d+$`, 'm'));
    assert.match(stdout, new RegExp(`^ {2}postgres\\.connect shop likely_call=${first},${second}$`, 'm'));
    const steps: ComparedStep[] = (await cli('session', 'diff', a.session, c.session, '--json')).stdout
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row));
    const told = steps.find(({ target, change }) => target === 'site' && change === 'cause');
    assert.deepEqual([told?.a?.causes.calls, told?.b?.causes.calls], [[first], [second]]);
  });
});
