import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Obligation } from '../gateway/src/domain/decision.ts';
import type { SessionSummary, ShownRecord } from '../gateway/src/domain/shown-record.ts';
import { Gateway } from '../gateway/src/gateway.ts';
import { grantPolicy } from '../gateway/src/policy/grants.ts';
import type { PolicyEngine } from '../gateway/src/policy/policy.ts';
import { protocols } from '../gateway/src/protocols/registry.ts';
import { parseBundle } from '../ledger/src/testdata/whole-bundle.ts';
import { filesHolding } from './support/canary.ts';
import { contractWays, type ContractWay, type Place } from './support/contract-ways.ts';
import { HoldControl } from './support/controls/hold.ts';
import { LimitControl } from './support/controls/limit.ts';
import { MaskControl } from './support/controls/mask.ts';
import { ask, exchangeConfig, exchangeWays, sessionOf } from './support/exchanges.ts';
import { GatewayProcess } from './support/gateway-process.ts';
import { startPostgres, type PostgresServer } from './support/postgres-server.ts';
import { startStreamServer, type StreamServer } from './support/stream-server.ts';
import { waitUntil } from './support/wait-until.ts';

const secret = 'canary-target-secret-5d0e7b';
const bodyLimit = 65_536;

/** What every protocol over HTTP keeps to, whatever it is that it carries. */
describe('the contract of protocols', () => {
  let server: StreamServer;
  let gateway: GatewayProcess;
  let token: string;
  let stranger: string;
  before(async () => {
    server = await startStreamServer();
    gateway = await GatewayProcess.start({
      config: `${exchangeConfig(server, 'process')}limits: { frameBytesMax: ${bodyLimit} }\n`,
      environment: { TARGET_SECRET: secret, COUNTERSIGN_LOG: 'trace' },
    });
    token = await gateway.issueToken('agent');
    stranger = await gateway.issueToken('stranger');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  async function configured(config: string): Promise<void> {
    const taken = (): number => gateway.log.split('configuration taken up').length;
    const known = taken();
    gateway.configure(config);
    await waitUntil(() => taken() > known);
  }

  /** One that has just started slows down no bad token for the ones before. */
  async function restart(): Promise<void> {
    await gateway.signal('SIGTERM');
    await gateway.start();
  }

  for (const way of exchangeWays) {
    describe(way.target, () => {
      before(restart);

      test('what is denied is told, recorded, and forwards nothing', async () => {
        const response = await ask(gateway, way, way.body('denied-words'), { token: stranger });
        assert.equal(response.status, 403);
        assert.match(await response.text(), /not granted/);
        assert.equal(server.heardOf('denied-words'), undefined);
        const own = (await gateway.sessions('all')).filter(({ principal, targets }) => principal === null && targets.length === 0);
        const records = (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
        assert.ok(records.some(({ verdict, attributes }) => verdict === 'deny' && String(attributes['countersign.reason']).includes(way.target)));
      });

      test('a grant that is withdrawn is withdrawn on the connection that is there, on the record of its session', async () => {
        const own = await gateway.issueToken('agent');
        const allowed = await ask(gateway, way, way.body('first'), { token: own });
        await allowed.text();
        const config = exchangeConfig(server, 'process');
        await configured(
          `${config.replace(/agent: \{ kind: agent, targets: \[[^\]]*\]/, 'agent: { kind: agent, targets: []')}limits: { frameBytesMax: ${bodyLimit} }\n`,
        );
        assert.equal((await ask(gateway, way, way.body('withdrawn'), { token: own })).status, 403);
        await configured(`${config}limits: { frameBytesMax: ${bodyLimit} }\n`);
        const again = await ask(gateway, way, way.body('again'), { token: own });
        await again.text();
        assert.equal(again.status, 200);
      });

      test('what was asked and what was answered are in the record, byte for byte', async () => {
        const asked = way.body(`recorded-words of ${way.target}`);
        const response = await ask(gateway, way, asked, { token });
        const answered = await response.text();
        assert.equal(server.heardOf(`recorded-words of ${way.target}`)?.body, asked);
        const records = await gateway.records(sessionOf(response));
        const request = records.find(({ record }) => record === response.headers.get('countersign-record'));
        assert.deepEqual([request?.kind, request?.verdict], ['request', 'allow']);
        const pieces = records.filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === request?.seq);
        // What arrives together is one record: how many there are is for the machine's load to say.
        assert.ok(pieces.length > 0, 'the answer is on record');
        const bundle = parseBundle(Buffer.from(await (await gateway.api(`/api/sessions/${sessionOf(response)}/bundle`)).arrayBuffer()));
        const contents = bundle.records.map(({ content }) => (content.form === 'opened' ? Buffer.from(content.plaintext).toString() : ''));
        assert.ok(contents[request?.seq ?? 0]?.endsWith(`\r\n\r\n${asked}`));
        assert.ok(
          pieces
            .map(({ seq }) => contents[seq])
            .join('')
            .endsWith(`\r\n\r\n${answered}`),
        );
      });

      test('halt ends both sides', async () => {
        const own = await gateway.issueToken('agent');
        const response = await ask(gateway, way, way.body('endless halted-words'), { token: own });
        // Cut, or ended with an error of the protocol's own.
        const cut = response.text().then(
          (text) => assert.match(text, /"error":.*countersign: .*halted/),
          () => undefined,
        );
        await gateway.api(`/api/sessions/${sessionOf(response)}/halt`, { method: 'POST', body: { reason: 'enough' } });
        await cut;
        await waitUntil(() => server.heardOf('halted-words')?.isCut === true);
        await waitUntil(async () => (await gateway.sessions()).find(({ session }) => session === sessionOf(response))?.state === 'halted');
      });

      test('T4.2, E48: revocation ends both sides', async () => {
        const made = await gateway.api('/api/tokens', { method: 'POST', body: { principal: 'agent' } });
        const own: { readonly token: string; readonly id: string } = JSON.parse(await made.text());
        const response = await ask(gateway, way, way.body('endless credential-ends'), { token: own.token });
        const cut = response.text().then(
          (text) => assert.match(text, /"error":.*countersign: .*revoked/),
          () => undefined,
        );
        await gateway.api(`/api/tokens/${own.id}`, { method: 'DELETE' });
        await cut;
        await waitUntil(() => server.heardOf('credential-ends')?.isCut === true);
        await waitUntil(async () => (await gateway.sessions()).find(({ session }) => session === sessionOf(response))?.state === 'closed');
      });

      test('found: a target that is taken from the principal ends both sides of what is streamed from it', async () => {
        const own = await gateway.issueToken('agent');
        const response = await ask(gateway, way, way.body('endless taken-words'), { token: own });
        const cut = response.text().then(
          (text) => assert.match(text, /"error":.*countersign: .*not granted/),
          () => undefined,
        );
        const config = `${exchangeConfig(server, 'process')}limits: { frameBytesMax: ${bodyLimit} }\n`;
        await configured(config.replace(/agent: \{ kind: agent, targets: \[[^\]]*\]/, 'agent: { kind: agent, targets: []'));
        await cut;
        await waitUntil(() => server.heardOf('taken-words')?.isCut === true);
        const records = await gateway.records(sessionOf(response));
        assert.equal(records.find(({ action }) => action === 'gateway.disconnect')?.kind, 'decision');
        assert.ok(
          records.some(({ kind, attributes }) => kind === 'response' && attributes['error.type'] === 'refused'),
          'what the client was told is recorded',
        );
        await configured(config);
        const again = await ask(gateway, way, way.body('given again'), { token: own });
        await again.text();
        assert.deepEqual([again.status, sessionOf(again)], [200, sessionOf(response)], 'the session goes on');
      });

      test('a client that leaves is not waited for', async () => {
        const leaving = new AbortController();
        const response = await ask(gateway, way, way.body('endless left-words'), { token, signal: leaving.signal });
        await response.body?.getReader().read();
        leaving.abort();
        await waitUntil(() => server.heardOf('left-words')?.isCut === true);
      });

      test('B19: a run token speaks in its own session only, and in none when the run has ended; a session that the client names is not its own', async () => {
        const made = await gateway.api('/api/runs', { method: 'POST', body: { principal: 'agent' } });
        const run: { readonly token: string; readonly session: string } = JSON.parse(await made.text());
        const foreign = sessionOf(await ask(gateway, way, way.body('foreign'), { token }));
        const headers = { 'countersign-session': foreign, 'x-countersign-session': foreign };
        const response = await ask(gateway, way, way.body('of the run'), { token: run.token, headers });
        assert.equal(sessionOf(response), run.session);
        await response.text();
        await gateway.api(`/api/runs/${run.session}/end`, { method: 'POST', body: {} });
        assert.equal((await ask(gateway, way, way.body('after'), { token: run.token })).status, 401);
      });

      test('B22: a token that was taken back opens nothing', async () => {
        const made = await gateway.api('/api/tokens', { method: 'POST', body: { principal: 'agent' } });
        const own: { readonly token: string; readonly id: string } = JSON.parse(await made.text());
        await (await ask(gateway, way, way.body('before'), { token: own.token })).text();
        await gateway.api(`/api/tokens/${own.id}`, { method: 'DELETE' });
        assert.equal((await ask(gateway, way, way.body('ended-words'), { token: own.token })).status, 401);
        assert.equal(server.heardOf('ended-words'), undefined);
      });

      test('D35: one client never gets what is another one’s', async () => {
        const tokens = await Promise.all(['a', 'b', 'c', 'd'].map(async () => gateway.issueToken('agent')));
        const answers = await Promise.all(
          tokens.flatMap((own, i) =>
            Array.from({ length: 5 }, async () => ({ i, session: sessionOf(await ask(gateway, way, way.body(`of ${i}`), { token: own })) })),
          ),
        );
        for (const { i, session } of answers) {
          assert.equal(new Set(answers.filter((each) => each.i === i).map((each) => each.session)).size, 1);
          assert.ok(answers.every((each) => each.i === i || each.session !== session));
        }
      });

      test('a body that is too long is refused', async () => {
        const long = await ask(gateway, way, way.body(`long-words ${'x'.repeat(bodyLimit)}`), { token });
        // Where the body is not needed to decide it may be longer.
        assert.equal(long.status, way.protocol === 'http' ? 200 : 413);
        await long.text();
      });

      test('garbage ends in an error of ours, and nothing is forwarded', async () => {
        const heard = server.heard.length;
        for (const path of ['/a%2f..%2fb', '/%00']) {
          assert.equal((await ask(gateway, { ...way, path }, way.body('garbage'), { token })).status, 400);
        }
        for (const body of way.protocol === 'http' ? [] : ['', 'null', '[]', '{', '{"a":1,"a":2}', '\u0000', '"']) {
          const response = await ask(gateway, way, body, { token });
          assert.equal(response.status, 400, body);
          assert.match(await response.text(), /countersign/);
          const records = await gateway.records(sessionOf(response));
          const last = records.filter(({ kind }) => kind === 'request' || kind === 'response').slice(-2);
          assert.deepEqual(
            last.map(({ kind, verdict, attributes }) => [kind, verdict, attributes['countersign.request']]),
            [
              ['request', 'deny', undefined],
              ['response', null, last[0]?.seq],
            ],
            'what cannot be read is in the record, and so is what was answered',
          );
          const answer = await gateway.api(`/api/sessions/${last[0]?.session}/records/${last[0]?.seq}/bytes?bytes=0-`);
          assert.ok((await answer.text()).endsWith(`\r\n\r\n${body}`));
        }
        assert.equal(server.heard.length, heard);
      });
    });
  }

  // Behind all others: so many refusals of one address are counted, and not recorded one by one.
  test('found: an answer names its session and record; who is turned away at the door has none, and is told when a token is missing', async () => {
    await restart();
    for (const way of exchangeWays) {
      const named = ({ headers }: Response): boolean[] => ['countersign-session', 'countersign-record'].map((name) => headers.has(name));
      const letIn = await ask(gateway, way, way.body('let in'), { token });
      await letIn.text();
      assert.deepEqual([letIn.status, named(letIn)], [200, [true, true]]);
      for (const [status, which, words] of [
        [
          401,
          { token: '' },
          /No Countersign token was shown: countersign token create makes one, which begins with cs_, and it goes where the client has its key or password\./,
        ],
        [401, { token: 'sk-of-the-target' }, /No Countersign token was shown: .*, and it goes where the client has its key/],
        [401, { token: 'cs_wrong' }, /not a Countersign token/],
        [403, { token: stranger }, /not granted/],
        [404, { token, target: 'nowhere' }, /no target/],
      ] as const) {
        const { token: given } = which;
        const target = 'target' in which ? which.target : way.target;
        const refused = await ask(gateway, { ...way, target }, way.body('turned away'), { token: given });
        assert.deepEqual([refused.status, named(refused)], [status, [false, false]]);
        assert.match(await refused.text(), words);
      }
    }
  });

  test('B24: no secret is in a record, a file or the log', async () => {
    const records = (await Promise.all((await gateway.sessions('all')).map(async ({ session }) => gateway.records(session)))).flat();
    assert.ok(records.length > 100);
    for (const canary of [secret, token, stranger]) {
      assert.ok(!JSON.stringify(records).includes(canary));
      assert.deepEqual(filesHolding(gateway.data, canary), []);
      assert.ok(!gateway.log.includes(canary));
    }
    assert.deepEqual(filesHolding(gateway.data, 'recorded-words'), []);
  });

  test('the record holds', () => {
    assert.equal(gateway.verify().status, 0);
  });
});

const held: readonly Obligation[] = [{ kind: 'test-hold', parameters: {} }];
const limited: readonly Obligation[] = [{ kind: 'test-limit', parameters: { max: '2' } }];
const masked: readonly Obligation[] = [{ kind: 'test-mask', parameters: {} }];
const obligationsOf: Readonly<Record<string, readonly Obligation[]>> = { held, limited, masked };

/** The grants, with obligations for some of those who ask. */
function withObligations(grants: PolicyEngine): PolicyEngine {
  return {
    version: grants.version,
    decide: (question) => {
      const decision = grants.decide(question);
      const obligations = question.action.name.endsWith('.connect') ? [] : (obligationsOf[question.asker.principal.id] ?? []);
      return decision.verdict === 'allow' && obligations.length > 0 ? { ...decision, verdict: obligations === held ? 'hold' : 'allow', obligations } : decision;
    },
  };
}

/** Three obligations, each carried out in one file of tests/support/controls, over every protocol there is. */
describe('obligations over every protocol', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-obligations-'));
  const hold = new HoldControl();
  let servers: { readonly stream: StreamServer; readonly postgres: PostgresServer };
  let gateway: Gateway;
  let ways: readonly ContractWay[];
  const tokens = new Map<string, string>();

  async function api(path: string, body?: unknown): Promise<string> {
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const answer = await fetch(`http://${gateway.addresses['http']}${path}`, {
      headers: { authorization: `Bearer ${operator}` },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return answer.text();
  }
  const as = (principal: string): Place => ({ addresses: gateway.addresses, token: tokens.get(principal) ?? '' });

  /** The records of all sessions of a principal. */
  async function recordsOf(principal: string): Promise<readonly ShownRecord[]> {
    const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');
    const sessions: readonly SessionSummary[] = lines(await api('/api/sessions')).map((line) => JSON.parse(line));
    const texts = await Promise.all(
      sessions.filter((each) => each.principal === principal).map(async ({ session }) => api(`/api/sessions/${session}/records`)),
    );
    return texts.flatMap((text) => lines(text).map((line): ShownRecord => JSON.parse(line)));
  }

  before(async () => {
    process.env['COUNTERSIGN_LOG'] = 'silent';
    process.env['TARGET_SECRET'] = secret;
    servers = { stream: await startStreamServer(), postgres: await startPostgres() };
    process.env['ORDERS_SECRET'] = servers.postgres.password;
    ways = contractWays(servers);
    const names = ways.map(({ target }) => target).join(', ');
    const orders = `  orders: { url: "postgres://${servers.postgres.user}@127.0.0.1:${servers.postgres.port}/postgres", password: { env: ORDERS_SECRET }, durability: process }\n`;
    const principals = ['plain', ...Object.keys(obligationsOf)].map((id) => `  ${id}: { kind: agent, targets: [${names}] }\n`).join('');
    const [targets = ''] = exchangeConfig(servers.stream, 'process').split('principals:');
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(configFile, `data: store\nlisten: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }\n${targets}${orders}principals:\n${principals}`);
    gateway = await Gateway.open({
      configFile,
      policyOf: (all) => withObligations(grantPolicy(all)),
      controls: [hold, new LimitControl(), new MaskControl()],
    });
    for (const principal of ['plain', ...Object.keys(obligationsOf)]) {
      tokens.set(principal, JSON.parse(await api('/api/tokens', { principal })).token);
    }
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await servers.stream[Symbol.asyncDispose]();
    await servers.postgres[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test('every protocol of the registry is asked', () => {
    assert.deepEqual(new Set(ways.map(({ protocol }) => protocol)), new Set(protocols.map(({ id }) => id)));
  });

  for (const target of [...exchangeWays.map((way) => way.target), 'orders']) {
    const way = (): ContractWay => ways.find((each) => each.target === target) ?? assert.fail(target);

    test(`${target}: what is held waits, keeps its order, holds up nobody else, and is recorded before and after`, async () => {
      const words = [`held-words 1 ${target}`, `behind ${target}`];
      const asking = way().ask(as('held'), ...words);
      await waitUntil(() => hold.waiting.length === 1);
      const [beside] = await way().ask(as('plain'), `held-words by another ${target}`);
      assert.equal(beside?.isAllowed, true, JSON.stringify(beside));
      assert.deepEqual(way().heard([words[0] ?? '']), [], 'nothing of it has moved');
      hold.waiting.shift()?.settle(null);
      const told = await asking;
      assert.deepEqual(
        told.map(({ isAllowed }) => isAllowed),
        [true, true],
        JSON.stringify(told),
      );
      assert.ok(
        way()
          .heard(words)
          .includes(words[0] ?? ''),
      );
      if (target === 'orders') {
        assert.deepEqual(way().heard(words), words, 'one channel keeps its order');
      }
      const records = await recordsOf('held');
      const request = records.find(({ kind, verdict, target: at }) => kind === 'request' && verdict === 'hold' && at === target);
      assert.deepEqual(request?.attributes['countersign.obligations'], ['test-hold']);
      const decision = records.find(
        (each) => each.kind === 'decision' && each.session === request?.session && each.attributes['countersign.request'] === request.seq,
      );
      assert.deepEqual([decision?.verdict, decision?.action], ['allow', request?.action]);
    });

    test(`${target}: what is denied after it was held forwards nothing, and the client is told why`, async () => {
      const said = `held-words 2 ${target}`;
      const asking = way().ask(as('held'), said);
      await waitUntil(() => hold.waiting.length === 1);
      hold.waiting.shift()?.settle('not by me');
      const [told] = await asking;
      assert.equal(told?.isAllowed, false);
      assert.match(told?.text ?? '', /not by me/);
      assert.deepEqual(way().heard([said]), []);
      const records = await recordsOf('held');
      assert.ok(records.some((each) => each.kind === 'decision' && each.verdict === 'deny' && each.attributes['countersign.reason'] === 'not by me'));
    });

    test(`${target}: what is over a limit is denied, with its obligation in the record`, async () => {
      const words = ['counted-words 1', 'counted-words 2', 'counted-words 3'].map((said) => `${said} ${target}`);
      for (const [i, said] of words.entries()) {
        const [told] = await way().ask(as('limited'), said);
        assert.equal(told?.isAllowed, i < 2, JSON.stringify(told));
        assert.match(told?.text ?? '', i < 2 ? /./ : /this was act 3, and 2 are allowed/);
      }
      assert.deepEqual(way().heard(words), words.slice(0, 2));
      const records = await recordsOf('limited');
      const requests = records.filter(
        ({ kind, target: at, attributes }) => kind === 'request' && at === target && attributes['countersign.obligations'] !== undefined,
      );
      assert.ok(requests.some(({ verdict, attributes }) => verdict === 'deny' && String(attributes['countersign.obligations']) === 'test-limit max=2'));
    });

    test(`${target}: what is masked reaches neither the client nor the record, and the rest is as it was`, async () => {
      const said = `tell secret-abc123 of ${target}`;
      const [plain] = await way().ask(as('plain'), said);
      const [told] = await way().ask(as('masked'), said);
      assert.match(plain?.text ?? '', /secret-abc123/);
      assert.equal(told?.isAllowed, true, JSON.stringify(told));
      assert.equal(told?.text, plain?.text.replaceAll('secret-abc123', 'secret-***'));
      assert.deepEqual(way().heard([said]), [said, said], 'the target is asked what was said');
      const answers = (await recordsOf('masked')).filter(({ kind, target: at }) => kind === 'response' && at === target);
      const bytes = await Promise.all(answers.map(async ({ session, seq }) => api(`/api/sessions/${session}/records/${seq}/bytes?bytes=0-`)));
      const recorded = bytes.join('');
      assert.ok(recorded.includes('secret-***') && !recorded.includes('abc123'), recorded);
    });
  }
});
