import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import OpenAI from 'openai';
import pg from 'pg';
import postgres from 'postgres';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import type { SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { Jdbc, requireJdbc } from '../support/jdbc.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { python, requireProgram } from '../support/require-program.ts';
import { psql, runProgram } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Statements that write, questions to models and calls of tools. */
const about = `when { context.effects.contains("write") || action == Action::"llm.chat" || action == Action::"mcp.call_tool" };`;
const policies = `@id("held") @reason("People decide.") @approval("dba") forbid (principal in Group::"held", action, resource) ${about}
@id("denied") @reason("This is not for you.") forbid (principal in Group::"denied", action, resource) ${about}
`;

/** `person` waits for those who approve, `bot` is told at once, and `stranger` is denied. */
type Who = 'person' | 'bot' | 'stranger';

describe('clients that others wrote, when they are denied and when they are held', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-held-clients-'));
  const tokens = new Map<string, string>();
  let database: PostgresServer;
  let models: ModelServer;
  let tools: SampleServer;
  let gateway: GatewayProcess;
  let around: pg.Client;
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'rules.cedar'), policies);
    database = parts.use(await startPostgres());
    models = parts.use(await startModelServer());
    tools = parts.use(await openSampleTools());
    around = new pg.Client({ host: '127.0.0.1', port: database.port, user: database.user, password: database.password, database: 'postgres' });
    await around.connect();
    parts.defer(async () => around.end());
    await around.query("create table orders (id int, state text); insert into orders values (1, 'open')");
    const targets = 'targets: [shop, models, tools]';
    gateway = parts.use(
      await GatewayProcess.start({
        environment: { SHOP_PASSWORD: database.password },
        config: `policies: ${directory}
targets:
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
  models: { protocol: llm, url: "${models.url}", durability: process }
  tools: { protocol: mcp, url: "${tools.url}", durability: process }
principals:
  person: { kind: human, groups: [held], ${targets} }
  bot: { kind: agent, groups: [held], ${targets} }
  stranger: { kind: agent, groups: [denied], ${targets} }
`,
      }),
    );
    for (const who of ['person', 'bot', 'stranger']) {
      tokens.set(who, await gateway.issueToken(who));
    }
  });

  const token = (who: Who): string => tokens.get(who) ?? assert.fail(who);
  const login = (who: Who) => ({ host: '127.0.0.1', port: gateway.port('postgres'), user: who, password: token(who), database: 'shop' });
  const libpq = (who: Who) => ({ PGHOST: '127.0.0.1', PGPORT: String(gateway.port('postgres')), PGUSER: who, PGPASSWORD: token(who), PGDATABASE: 'shop' });
  const update = (state: string): string => `update orders set state = '${state}' where id = 1`;
  const state = async (): Promise<string> => (await around.query('select state from orders')).rows[0].state;
  const open = async (): Promise<readonly ApprovalSummary[]> =>
    (JSON.parse(await (await gateway.api('/api/v1/approvals')).text()) satisfies readonly ApprovalSummary[]).filter(
      (each: ApprovalSummary) => each.state === 'waiting',
    );
  /** The approval that waits, and no other. */
  const waiting = async (): Promise<string> => {
    await waitUntil(async () => (await open()).length > 0);
    const [one, ...others] = await open();
    assert.deepEqual(others, []);
    return one?.approval ?? assert.fail();
  };
  const decide = async (approval: string, act: 'grant' | 'deny'): Promise<number> =>
    (await gateway.api(`/api/v1/approvals/${approval}/${act}`, { method: 'POST', body: act === 'grant' ? {} : { reason: 'not today' } })).status;
  /** Has what waits granted or denied, while something is asked. Each request that is denied is another one, because a denial stands for a while. */
  const deciding = async <Answer>(act: 'grant' | 'deny', asking: Promise<Answer>): Promise<Answer> => {
    const early = asking.then((answer) => assert.fail(`it did not wait: ${JSON.stringify(answer)}`));
    assert.equal(await decide(await Promise.race([waiting(), early]), act), 200);
    early.catch(() => undefined);
    return asking;
  };
  /** Checks that a request was given up: it can be granted no more, and nothing of it runs. */
  const isGivenUp = async (approval: string): Promise<void> => {
    await waitUntil(async () => (await open()).length === 0);
    assert.equal(await decide(approval, 'grant'), 409);
    assert.notEqual(await state(), 'given up');
  };
  const endAll = async (): Promise<void> => {
    for (const { approval } of await open()) {
      await decide(approval, 'deny');
    }
  };

  test('psql', requireProgram('psql'), async () => {
    const denied = await psql(libpq('stranger'), ['-c', update('denied')]);
    assert.deepEqual([denied.status, /^ERROR: {2}countersign: .*This is not for you/.test(denied.stderr)], [1, true], denied.stderr);
    const granted = await deciding('grant', psql(libpq('person'), ['-c', update('by psql')]));
    assert.deepEqual([granted.status, granted.stdout], [0, 'UPDATE 1\n']);
    assert.match(granted.stderr, /^NOTICE: {2}countersign: People decide\.?: it waits for approval by dba; countersign approval grant ap_/);
    const refused = await deciding('deny', psql(libpq('person'), ['-c', update('denied')]));
    assert.deepEqual([refused.status, /ERROR: .*operator denied it: not today/.test(refused.stderr)], [1, true], refused.stderr);
    const returned = await psql(libpq('bot'), ['-c', update('returned')]);
    assert.match(returned.stderr, /^ERROR: .*waits for approval[^]*DETAIL: {2}approval=ap_\w+ state=waiting next=wait\nHINT: /);
    await endAll();
    const child = spawn('psql', ['-X', '-c', update('given up')], { env: { ...process.env, ...libpq('person') }, stdio: ['ignore', 'ignore', 'pipe'] });
    const said = text(child.stderr);
    const approval = await waiting();
    child.kill('SIGINT');
    assert.match(await said, /its client cancelled the request/);
    await isGivenUp(approval);
    assert.equal(await state(), 'by psql');
  });

  test('psycopg (Python)', requireProgram('python:psycopg'), async () => {
    const script = (body: string): string => `
import psycopg
with psycopg.connect("", autocommit=True) as c:
    ${body}
    print(c.execute("select 1").fetchone()[0], end="")
`;
    const run = async (who: Who, body: string) => runProgram(python, ['-c', script(body)], libpq(who));
    const attempt = (to: string): string => `
    try:
        print(c.execute("${update(to)}").rowcount)
    except psycopg.Error as e:
        print(type(e).__name__, e.sqlstate, e.diag.message_detail)
`;
    assert.match((await run('stranger', attempt('denied'))).stdout, /^InsufficientPrivilege 42501 .*\n1$/);
    assert.equal((await deciding('grant', run('person', attempt('by psycopg')))).stdout, '1\n1');
    assert.match((await deciding('deny', run('person', attempt('denied to psycopg')))).stdout, /^InsufficientPrivilege 42501 .*\n1$/);
    assert.match((await run('bot', attempt('returned to psycopg'))).stdout, /^ObjectNotInPrerequisiteState 55000 approval=ap_\w+ state=waiting next=wait\n1$/);
    await endAll();
    // As a timeout of the client does, but when the notice says that the statement waits.
    const cancelling = await run('person', `c.add_notice_handler(lambda notice: c.cancel())${attempt('given up')}`);
    assert.match(cancelling.stdout, /^QueryCanceled 57014 .*\n1$/, cancelling.stderr);
    assert.deepEqual(await open(), []);
    assert.equal(await state(), 'by psycopg');
  });

  test('JDBC (Java): a time-out of its own, and a grant that another connection spends', requireJdbc(), async () => {
    using jdbc = new Jdbc(gateway.port('postgres'));
    const ask = async (who: Who, parameter: string, seconds = 0): Promise<string> =>
      jdbc.ask({ user: who, password: token(who), sql: 'update orders set state = ? where id = 1', parameter, seconds });
    assert.match(await ask('stranger', 'denied'), /^42501 countersign: .*This is not for you/);
    assert.equal(await deciding('grant', ask('person', 'by-jdbc')), 'done 1');
    assert.match(await deciding('deny', ask('person', 'denied-to-jdbc')), /^42501 .*not today/);
    assert.match(await ask('bot', 'returned-to-jdbc'), /^55000 .* approval=ap_\w+ state=waiting next=wait$/);
    assert.equal(await decide(await waiting(), 'grant'), 200);
    assert.equal(await ask('bot', 'returned-to-jdbc'), 'done 1');
    assert.match(await ask('bot', 'returned-to-jdbc'), /^55000 /, 'once');
    await endAll();
    assert.match(await ask('person', 'given-up', 1), /^57014 /);
    assert.deepEqual([await open(), await state()], [[], 'returned-to-jdbc']);
    await jdbc.end();
  });

  test('node-postgres: a timeout of its own, after which the client is closed, gives up what was held', async () => {
    const client = new pg.Client({ ...login('person'), query_timeout: 300 });
    await client.connect();
    const asked = client.query(update('given up')).then(
      () => 'done',
      ({ message }: Error) => message,
    );
    const approval = await waiting();
    assert.equal(await asked, 'Query read timeout');
    await client.end().catch(() => undefined);
    await isGivenUp(approval);
  });

  test('postgres.js: other statements of the pool go on while one is held', async () => {
    const connect = (who: Who, onnotice: () => void = () => undefined) => postgres({ ...login(who), username: who, max: 2, fetch_types: false, onnotice });
    await using connected = new AsyncDisposableStack();
    const sqlOf = (who: Who, onnotice?: () => void): postgres.Sql => connected.adopt(connect(who, onnotice), async (sql) => sql.end({ timeout: 1 }));
    const [stranger, person, bot] = [sqlOf('stranger'), sqlOf('person'), sqlOf('bot')];
    await assert.rejects(stranger.unsafe(update('denied')), { code: '42501', message: /This is not for you/ });
    assert.equal((await stranger`select 1`).length, 1);
    const held = person.unsafe(update('by postgres.js'));
    held.catch(() => undefined);
    const approval = await waiting();
    assert.equal((await person`select 1`).length, 1);
    assert.equal(await decide(approval, 'grant'), 200);
    assert.equal((await held).count, 1);
    await assert.rejects(deciding('deny', person.unsafe(update('denied to postgres.js')).execute()), { code: '42501', message: /not today/ });
    await assert.rejects(bot.unsafe(update('returned to postgres.js')), { code: '55000', detail: /^approval=ap_\w+ state=waiting next=wait$/ });
    await endAll();
    const given: { up: postgres.PendingQuery<postgres.Row[]> | null } = { up: null };
    const cancelling = sqlOf('person', () => given.up?.cancel());
    given.up = cancelling.unsafe(update('given up'));
    await assert.rejects(given.up, { code: '57014' });
    assert.deepEqual([await open(), await state()], [[], 'by postgres.js']);
  });

  /** How a client of a model asks, and the class of its errors. */
  const askers = {
    openai: {
      error: OpenAI.APIError,
      ask: async (who: Who, words: string, signal?: AbortSignal): Promise<unknown> =>
        new OpenAI({ baseURL: `http://127.0.0.1:${gateway.port('http')}/t/models/v1`, apiKey: token(who) }).chat.completions.create(
          { model: 'gpt', messages: [{ role: 'user', content: words }] },
          signal === undefined ? {} : { signal },
        ),
    },
    anthropic: {
      error: Anthropic.APIError,
      ask: async (who: Who, words: string, signal?: AbortSignal): Promise<unknown> =>
        new Anthropic({ baseURL: `http://127.0.0.1:${gateway.port('http')}/t/models`, apiKey: token(who) }).messages.create(
          { model: 'claude', max_tokens: 10, messages: [{ role: 'user', content: words }] },
          signal === undefined ? {} : { signal },
        ),
    },
  } as const;

  for (const [name, { ask, error }] of Object.entries(askers)) {
    test(`${name}: its error says why, and it does not ask again by itself`, async () => {
      const heard = (words: string): number => models.asked.filter(({ body }) => body.includes(words)).length;
      const errorOf = async (asking: Promise<unknown>): Promise<{ readonly status: unknown; readonly message: string }> => {
        const caught: unknown = await asking.then(
          () => null,
          (reason: unknown) => reason,
        );
        assert.ok(caught instanceof error, String(caught));
        return caught;
      };
      const denied = await errorOf(ask('stranger', `${name}-denied`));
      assert.deepEqual([denied.status, /This is not for you/.test(denied.message)], [403, true], denied.message);
      await deciding('grant', ask('person', `${name}-granted`));
      const refused = await errorOf(deciding('deny', ask('person', `${name}-refused`)));
      assert.deepEqual([refused.status, /not today/.test(refused.message)], [403, true], refused.message);
      const returned = await errorOf(ask('bot', `${name}-returned`));
      assert.deepEqual([returned.status, /approval grant ap_\w+/.test(returned.message)], [409, true], returned.message);
      const asked = (await gateway.records((await gateway.newest()).session)).filter(
        ({ kind, content }) => kind === 'request' && content?.text?.includes(`${name}-returned`) === true,
      );
      assert.equal(asked.length, 1);
      assert.equal(await decide(await waiting(), 'grant'), 200);
      await ask('bot', `${name}-returned`);
      const leaving = new AbortController();
      const given = ask('person', `${name}-given-up`, leaving.signal).catch(() => 'given up');
      const approval = await waiting();
      leaving.abort();
      assert.equal(await given, 'given up');
      await isGivenUp(approval);
      assert.deepEqual(
        ['denied', 'granted', 'refused', 'returned', 'given-up'].map((how) => heard(`${name}-${how}`)),
        [0, 1, 0, 1, 0],
      );
    });
  }

  test('MCP, the official SDK', async () => {
    const connect = async (who: Who): Promise<Client> => {
      const client = new Client({ name: 'client', version: '1' });
      const requestInit = { headers: { authorization: `Bearer ${token(who)}` } };
      await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${gateway.port('http')}/t/tools`), { requestInit }));
      return client;
    };
    const call = async (client: Client): Promise<string> =>
      client.callTool({ name: 'track_parcel', arguments: { order: 101 } }).then(
        (result) => JSON.stringify(result),
        (reason: unknown) => (reason instanceof McpError ? `${reason.message} ${JSON.stringify(reason.data ?? {})}` : String(reason)),
      );
    const [stranger, person, bot] = [await connect('stranger'), await connect('person'), await connect('bot')];
    assert.match(await call(stranger), /This is not for you/);
    assert.equal((await stranger.listTools()).tools.length, 1, 'the connection goes on');
    assert.match(await deciding('grant', call(person)), /left Dover/);
    assert.match(await call(bot), /"approval":"ap_\w+","state":"waiting","next":"wait"/);
    assert.equal(await decide(await waiting(), 'grant'), 200);
    assert.match(await call(bot), /left Dover/);
    const leaving = await connect('person');
    const given = call(leaving);
    const approval = await waiting();
    await leaving.close();
    assert.match(await given, /Connection closed/);
    await isGivenUp(approval);
    assert.match(await deciding('deny', call(person)), /not today/);
    await Promise.all([stranger, person, bot].map(async (client) => client.close()));
  });

  test('the record holds', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
