import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { ApprovalSummary } from '../gateway/src/api/approvals.ts';
import { effectNames } from '../gateway/src/domain/effects.ts';
import type { Obligation } from '../gateway/src/domain/decision.ts';
import type { SessionSummary, ShownRecord } from '../gateway/src/feed/shown-record.ts';
import { WebSocket } from 'ws';
import { streamProtocols } from '../gateway/src/protocols/registry.ts';
import { Gateway } from '../gateway/src/gateway.ts';
import { ReplayServer } from '../gateway/src/replay-server.ts';
import type { Control } from '../gateway/src/controls/control.ts';
import { grantPolicy } from '../gateway/src/policy/grants.ts';
import type { PolicyEngine } from '../gateway/src/policy/policy.ts';
import { parseBundle } from '../ledger/src/testdata/whole-bundle.ts';
import { filesHolding } from './support/canary.ts';
import type { Connection, ContractWay, Access, ExchangeWay, Told } from './support/contract.ts';
import { askAll, contractOf, contractTargets, exchangeWays, maskedWordsOf, startContracts, targetsOf, type StartedContracts } from './support/contracts.ts';
import { HoldControl } from './support/controls/hold.ts';
import { LimitControl } from './support/controls/limit.ts';
import { textOf } from './support/live-models.ts';
import { MaskRequestControl } from './support/controls/mask-request.ts';
import { MaskControl } from './support/controls/mask.ts';
import { ask, sessionOf } from './support/exchanges.ts';
import { GatewayProcess } from './support/gateway-process.ts';
import type { StreamServer } from './support/stream-server.ts';
import { waitUntil } from './support/wait-until.ts';

const secret = 'canary-target-secret-5d0e7b';
const bodyLimit = 65_536;

/** Each row of a target asks as a principal of its own, `ROW-TARGET`, whose sessions are the row's. */
const rows = ['recorded', 'withdrawn', 'taken', 'halted', 'revoked', 'suspended', 'left', 'ended'] as const;
const rowsOfAll = contractTargets.flatMap((target) => rows.map((row) => ({ principal: `${row}-${target}`, target })));

/** The promises that every protocol keeps, whatever it carries. */
describe('the contract of protocols', () => {
  let contracts: StartedContracts;
  let gateway: GatewayProcess;
  before(async () => {
    contracts = await startContracts(secret);
    gateway = await GatewayProcess.start({ config: configOf(), environment: { ...contracts.environment, COUNTERSIGN_LOG: 'trace' } });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await contracts[Symbol.asyncDispose]();
  });

  /** `without`: a principal that is granted nothing. */
  function configOf(without = 'stranger'): string {
    const granted = [{ principal: 'agent', target: contractTargets.join(', ') }, { principal: 'stranger', target: '' }, ...rowsOfAll];
    const principals = granted.map(({ principal, target }) => `  ${principal}: { kind: agent, targets: [${principal === without ? '' : target}] }\n`);
    return `${targetsOf(contracts.ways)}principals:\n${principals.join('')}limits: { frameBytesMax: ${bodyLimit} }\n`;
  }

  async function configured(config: string): Promise<void> {
    const taken = (): number => gateway.log.split('configuration applied').length;
    const known = taken();
    gateway.configure(config);
    await waitUntil(() => taken() > known);
  }

  /** One that has just started slows down no bad token for the ones before. */
  async function restart(): Promise<void> {
    await gateway.signal('SIGTERM');
    await gateway.start();
  }

  async function makeToken(principal: string): Promise<{ readonly token: string; readonly id: string }> {
    return JSON.parse(await (await gateway.api('/api/tokens', { method: 'POST', body: { principal } })).text());
  }

  async function sessionsOf(principal: string): Promise<readonly SessionSummary[]> {
    return (await gateway.sessions()).filter((each) => each.principal === principal);
  }

  async function sessionOfRow(principal: string): Promise<SessionSummary> {
    const [session] = await sessionsOf(principal);
    return session ?? assert.fail(`${principal} has no session`);
  }

  /** One session after the other: so many readers at once are turned away. */
  async function recordsOf(sessions: readonly SessionSummary[]): Promise<readonly ShownRecord[]> {
    const records: ShownRecord[] = [];
    for (const { session } of sessions) {
      records.push(...(await gateway.records(session)));
    }
    return records;
  }

  /** The end of a channel; where a session lives by its connection, that of the session. */
  const isEnd = ({ kind, action }: ShownRecord): boolean => action === 'gateway.disconnect' || kind === 'close';

  for (const [i, target] of contractTargets.entries()) {
    describe(target, () => {
      const way = (): ContractWay => contracts.ways[i] ?? assert.fail(target);
      const accessOf = (token: string): Access => {
        const address = (listener: string): string => `127.0.0.1:${gateway.port(listener)}`;
        return { addresses: { http: address('http'), [way().protocol]: address(way().protocol) }, token };
      };
      const as = async (principal: string): Promise<Access> => accessOf(await gateway.issueToken(principal));
      /** Asks for an answer that does not end, and returns when some of it has come. */
      const begin = async (at: Access, said: string): Promise<{ readonly connection: Connection; readonly told: Promise<Told> }> => {
        const connection = way().connect(at);
        const { begun, told } = connection.ask(said);
        await begun;
        assert.deepEqual(way().heard([said]), [said]);
        return { connection, told };
      };
      /** Its answer was cut, or ended with an error in the protocol's own words. */
      const assertEnded = async (told: Promise<Told>, said: string, why: RegExp): Promise<void> => {
        const { isAllowed, text } = await told;
        assert.equal(isAllowed, false);
        assert.ok(!text.includes('countersign') || why.test(text), text);
        await waitUntil(async () => way().hasEnded(said));
      };
      before(restart);

      test('what is denied is told, recorded, and forwards nothing', async () => {
        const said = `denied-words of ${target}`;
        const [told] = await askAll(way(), await as('stranger'), said);
        assert.equal(told?.isAllowed, false);
        assert.match(told?.text ?? '', /not granted/);
        assert.deepEqual(way().heard([said]), []);
        const own = (await gateway.sessions('all')).filter(({ principal, targets }) => principal === null && targets.length === 0);
        const records = await recordsOf(own);
        assert.ok(records.some(({ verdict, attributes }) => verdict === 'deny' && String(attributes['countersign.reason']).includes(target)));
      });

      test('a grant that is withdrawn is withdrawn on the connection that is there, and is on record', async () => {
        const own = await as(`withdrawn-${target}`);
        const [first, withdrawn, again] = [`first-words of ${target}`, `withdrawn-words of ${target}`, `again-words of ${target}`] as const;
        const connection = way().connect(own);
        assert.equal((await connection.ask(first).told).isAllowed, true);
        await configured(configOf(`withdrawn-${target}`));
        assert.equal((await connection.ask(withdrawn).told).isAllowed, false);
        await connection.close();
        assert.ok((await recordsOf(await sessionsOf(`withdrawn-${target}`))).some(isEnd));
        await configured(configOf());
        assert.equal((await askAll(way(), own, again))[0]?.isAllowed, true);
        assert.deepEqual(way().heard([first, withdrawn, again]), [first, again]);
      });

      test('what was asked and what was answered are in the record, byte for byte', async () => {
        const said = `recorded-words of ${target}`;
        const [told] = await askAll(way(), await as(`recorded-${target}`), said);
        assert.equal(told?.isAllowed, true, JSON.stringify(told));
        assert.deepEqual(way().heard([said]), [said]);
        const { session } = await sessionOfRow(`recorded-${target}`);
        await waitUntil(async () => (await gateway.records(session)).some(({ kind }) => kind === 'response'));
        const records = await gateway.records(session);
        const request = records.find(({ kind, content }) => kind === 'request' && content?.text?.includes(said) === true);
        assert.equal(request?.verdict, 'allow');
        const pieces = records.filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === request?.seq);
        // Bytes that arrive together are one record, so the number of records depends on the machine's load.
        assert.ok(pieces.length > 0, 'the answer is on record');
        const bundle = parseBundle(Buffer.from(await (await gateway.api(`/api/sessions/${session}/bundle`)).arrayBuffer()));
        const contents = bundle.records.map(({ content }) => (content.form === 'opened' ? Buffer.from(content.plaintext) : Buffer.alloc(0)));
        const isEndOf = (whole: readonly (Buffer | undefined)[], end: Buffer): boolean => {
          const bytes = Buffer.concat(whole.filter((each) => each !== undefined));
          return end.length > said.length && bytes.subarray(-end.length).equals(end);
        };
        assert.ok(isEndOf([contents[request?.seq ?? 0]], told?.sent ?? Buffer.alloc(0)));
        assert.ok(
          isEndOf(
            pieces.map(({ seq }) => contents[seq]),
            told?.answered ?? Buffer.alloc(0),
          ),
        );
      });

      test('halt ends both sides', async () => {
        const said = `endless halted-words of ${target}`;
        const { told } = await begin(await as(`halted-${target}`), said);
        const { session } = await sessionOfRow(`halted-${target}`);
        await gateway.api(`/api/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } });
        await assertEnded(told, said, /halted/);
        await waitUntil(async () => (await sessionsOf(`halted-${target}`))[0]?.state === 'halted');
      });

      test('T4.2, E48: revocation ends both sides', async () => {
        const said = `endless credential-ends of ${target}`;
        const { token, id } = await makeToken(`revoked-${target}`);
        const { told } = await begin(accessOf(token), said);
        await gateway.api(`/api/tokens/${id}`, { method: 'DELETE' });
        await assertEnded(told, said, /revoked/);
        await waitUntil(async () => (await sessionsOf(`revoked-${target}`))[0]?.state === 'closed');
      });

      test('T4.14, E48: suspension of a principal ends both sides, and its token works again once it is resumed', async () => {
        const said = `endless barred-words of ${target}`;
        const principal = `suspended-${target}`;
        const own = await as(principal);
        const { told } = await begin(own, said);
        await gateway.api(`/api/principals/${principal}/suspend`, { method: 'POST', body: { reason: 'enough' } });
        await assertEnded(told, said, /suspended/);
        await waitUntil(async () => (await sessionsOf(principal))[0]?.state === 'suspended');
        const [refused] = await askAll(way(), own, `refused-words of ${target}`);
        assert.equal(refused?.isAllowed, false);
        assert.match(refused?.text ?? '', /is suspended/);
        await gateway.api(`/api/principals/${principal}/resume`, { method: 'POST', body: {} });
        const [again] = await askAll(way(), own, `resumed-words of ${target}`);
        assert.equal(again?.isAllowed, true, JSON.stringify(again));
      });

      test('found: a target that is taken from the principal ends both sides of what is streamed from it', async () => {
        const said = `endless taken-words of ${target}`;
        const own = await as(`taken-${target}`);
        const { told } = await begin(own, said);
        await configured(configOf(`taken-${target}`));
        await assertEnded(told, said, /not granted/);
        const records = await recordsOf(await sessionsOf(`taken-${target}`));
        assert.ok(records.some(isEnd));
        assert.ok(
          (await told).text === '' || records.some(({ kind, attributes }) => kind === 'response' && attributes['error.type'] === 'refused'),
          'what the client was told is recorded',
        );
        await configured(configOf());
        assert.equal((await askAll(way(), own, `given again to ${target}`))[0]?.isAllowed, true);
      });

      test('a client that leaves is not waited for', async () => {
        const said = `endless left-words of ${target}`;
        const { connection, told } = await begin(await as(`left-${target}`), said);
        connection.leave();
        await assertEnded(told, said, /./);
      });

      test('B22: a token that was taken back opens nothing', async () => {
        const { token, id } = await makeToken(`ended-${target}`);
        assert.equal((await askAll(way(), accessOf(token), `before ${target}`))[0]?.isAllowed, true);
        await gateway.api(`/api/tokens/${id}`, { method: 'DELETE' });
        const said = `ended-words of ${target}`;
        assert.equal((await askAll(way(), accessOf(token), said))[0]?.isAllowed, false);
        assert.deepEqual(way().heard([said]), []);
      });
    });
  }

  describe('over HTTP', () => {
    let server: StreamServer;
    let token: string;
    let stranger: string;
    before(async () => {
      ({ server } = contracts);
      token = await gateway.issueToken('agent');
      stranger = await gateway.issueToken('stranger');
    });

    for (const way of exchangeWays) {
      describe(way.target, () => {
        before(restart);

        test('the session goes on where a grant was withdrawn and given again', async () => {
          const session = async (): Promise<string> => sessionOf(await ask(gateway, way, way.body('of one session'), { token: own }));
          const own = await gateway.issueToken(`withdrawn-${way.target}`);
          const known = await session();
          await configured(configOf(`withdrawn-${way.target}`));
          assert.equal((await ask(gateway, way, way.body('withdrawn'), { token: own })).status, 403);
          await configured(configOf());
          assert.equal(await session(), known);
        });

        test('the target gets the body as it was sent', async () => {
          const asked = way.body(`sent-words of ${way.target}`);
          await (await ask(gateway, way, asked, { token })).text();
          assert.equal(server.heardOf(`sent-words of ${way.target}`)?.body, asked);
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
  });

  test('A10, B23: no protocol dials an address of the link, whether the target is at it or its name leads there', async () => {
    const guarded = contracts.ways.filter(({ place }) => place.startsWith('url:'));
    assert.ok(guarded.some(({ protocol }) => protocol === 'postgres') && guarded.some(({ protocol }) => protocol === 'http'));
    const own = await gateway.issueToken('agent');
    for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '2852039166']) {
      await configured(configOf().replaceAll(/(url: "\w+:\/\/(?:\w+@)?)127\.0\.0\.1/g, `$1${host}`));
      for (const way of guarded) {
        const addresses = { http: `127.0.0.1:${gateway.port('http')}`, [way.protocol]: `127.0.0.1:${gateway.port(way.protocol)}` };
        const [told] = await askAll(way, { addresses, token: own }, `linked-words of ${way.target}`);
        assert.equal(told?.isAllowed, false, way.target);
        assert.match(told?.text ?? '', /only with the option linkLocal/, way.target);
      }
    }
    await configured(configOf());
  });

  test('B24: no secret is in a record, a file or the log', async () => {
    const records = await recordsOf(await gateway.sessions('all'));
    assert.ok(records.length > 100);
    for (const canary of [secret, ...Object.values(contracts.environment), await gateway.issueToken('agent')]) {
      assert.ok(!JSON.stringify(records).includes(canary));
      assert.deepEqual(filesHolding(gateway.data, canary), []);
      assert.ok(!gateway.log.includes(canary));
    }
    assert.deepEqual(filesHolding(gateway.data, 'recorded-words'), []);
  });

  test('a decision has a verdict, and an event has none', async () => {
    const records = await recordsOf(await gateway.sessions('all'));
    const verdicts = (wanted: string) => records.flatMap(({ kind, verdict }) => (kind === wanted ? [verdict !== null] : []));
    assert.deepEqual(new Set(verdicts('decision')), new Set([true]));
    assert.deepEqual(new Set(verdicts('event')), new Set([false]));
  });

  test('each request says what it does, in the words that all protocols share', async () => {
    const requests = (await recordsOf(await gateway.sessions())).filter(({ kind, verdict }) => kind === 'request' && verdict === 'allow');
    const effects = requests.map(({ action, attributes }) => [attributes['countersign.effects'] ?? []].flat().map((effect) => [effect, action] as const));
    const words: readonly unknown[] = effectNames;
    assert.deepEqual([...new Set(effects.flat().filter(([effect]) => !words.includes(effect)))], []);
    // To connect, and to cancel a request, does nothing at the target by itself.
    const silent = requests
      .filter(({ action }, i) => effects[i]?.length === 0 && !/\.(?:connect|cancel)$/.test(action ?? ''))
      .map(({ action, target }) => `${action} ${target}`);
    assert.deepEqual([...new Set(silent)], []);
    assert.ok(new Set(requests.map(({ target }) => target)).size >= contractTargets.length);
  });

  test('the record holds', () => {
    assert.equal(gateway.verify().status, 0);
  });
});

const held: readonly Obligation[] = [{ kind: 'test-hold', parameters: {} }];
const limited: readonly Obligation[] = [{ kind: 'test-limit', parameters: { max: '2' } }];
const masked: readonly Obligation[] = [{ kind: 'test-mask', parameters: {} }];
const redacted: readonly Obligation[] = [{ kind: 'test-mask-request', parameters: {} }];
const obligationsOf: Readonly<Record<string, readonly Obligation[]>> = { held, limited, masked, redacted };

/** The grants, with obligations for some of those who ask. */
function withObligations(grants: PolicyEngine): PolicyEngine {
  return {
    version: grants.version,
    text: grants.text,
    decide: (question) => {
      const decision = grants.decide(question);
      const obligations = question.action.name.endsWith('.connect') ? [] : (obligationsOf[question.asker.principal.id] ?? []);
      return decision.verdict === 'allow' && obligations.length > 0 ? { ...decision, verdict: obligations === held ? 'hold' : 'allow', obligations } : decision;
    },
  };
}

/** Obligations, each carried out in one file of tests/support/controls, over every protocol there is. */
describe('obligations over every protocol', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-obligations-'));
  const hold = new HoldControl();
  let contracts: StartedContracts;
  let gateway: Gateway;
  const tokens = new Map<string, string>();

  async function api(path: string, body?: unknown): Promise<string> {
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const answer = await fetch(`http://${gateway.addresses['http']}${path}`, {
      headers: { authorization: `Bearer ${operator}` },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return answer.text();
  }
  const as = (principal: string): Access => ({ addresses: gateway.addresses, token: tokens.get(principal) ?? '' });

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
    contracts = await startContracts(secret);
    Object.assign(process.env, contracts.environment);
    const names = contractTargets.join(', ');
    const principals = ['plain', ...Object.keys(obligationsOf)].map((id) => `  ${id}: { kind: agent, targets: [${names}] }\n`).join('');
    const listeners = ['http', ...streamProtocols.map(({ id }) => id)].map((id) => `${id}: 127.0.0.1:0`).join(', ');
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(configFile, `data: store\nlisten: { ${listeners} }\n${targetsOf(contracts.ways)}principals:\n${principals}`);
    gateway = await Gateway.open({
      configFile,
      policyOf: (config) => withObligations(grantPolicy([...config.principals.values()])),
      controls: [hold, new LimitControl(), new MaskControl(), new MaskRequestControl()],
    });
    for (const principal of ['plain', ...Object.keys(obligationsOf)]) {
      tokens.set(principal, JSON.parse(await api('/api/tokens', { principal })).token);
    }
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await contracts[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [position, target] of contractTargets.entries()) {
    const way = (): ContractWay => contracts.ways[position] ?? assert.fail(target);
    const askAs = async (principal: string, ...words: readonly string[]): Promise<readonly Told[]> => askAll(way(), as(principal), ...words);

    const requestsOf = async (): Promise<readonly ShownRecord[]> =>
      (await recordsOf('redacted')).filter(({ kind, target: at, action }) => kind === 'request' && at === target && action?.endsWith('.connect') !== true);
    /** The bytes and the facts of all requests to the target that were masked. What is shown of a WebSocket frame has no mask. */
    const recordedRequests = async (): Promise<string> => {
      const requests = await requestsOf();
      const bytes = await Promise.all(requests.map(async ({ session, seq }) => api(`/api/sessions/${session}/records/${seq}/bytes?bytes=0-`)));
      return bytes.join('') + JSON.stringify(requests);
    };

    /** The bytes and the facts of all masked answers of the target, and of what it asked of the client in them. */
    const recordedAnswers = async (): Promise<string> => {
      const answers = (await recordsOf('masked')).filter(
        ({ kind, target: at, attributes }) => at === target && (kind === 'response' || attributes['countersign.asked_within'] !== undefined),
      );
      const bytes = await Promise.all(answers.map(async ({ session, seq }) => api(`/api/sessions/${session}/records/${seq}/bytes?bytes=0-`)));
      return bytes.join('') + JSON.stringify(answers);
    };

    test(`${target}: what is held waits, keeps its order, holds up nobody else, and is recorded before and after`, async () => {
      const words = [`held-words 1 ${target}`, `behind ${target}`];
      const asking = askAs('held', ...words);
      await waitUntil(() => hold.waiting.length === 1);
      const [beside] = await askAs('plain', `held-words by another ${target}`);
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
      if (!exchangeWays.some((each) => each.target === target)) {
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
      const asking = askAs('held', said);
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
        const [told] = await askAs('limited', said);
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

    test(`${target}: what is masked in a request reaches neither the target nor the record`, async () => {
      const said = `tell secret-abc123 to ${target}`;
      const [told] = await askAs('redacted', said);
      assert.equal(told?.isAllowed, true, JSON.stringify(told));
      assert.deepEqual(way().heard([said, said.replace('abc123', '***')]), [said.replace('abc123', '***')]);
      const requests = await requestsOf();
      assert.ok(requests.some(({ verdict, attributes }) => verdict === 'allow' && String(attributes['countersign.obligations']) === 'test-mask-request'));
      const recorded = await recordedRequests();
      assert.ok(recorded.includes('secret-***') && !recorded.includes('abc123'));
    });

    const exchangeWay = exchangeWays.find((each) => each.target === target);
    if (exchangeWay !== undefined) {
      test(`${target}: what is masked in a body that comes in pieces reaches neither the target nor the record`, async () => {
        const said = `tell secret-abc123 to ${target} in pieces, ${'x'.repeat(bodyLimit)}`;
        assert.equal((await sendInPieces(exchangeWay, as('redacted'), said)).status, 200);
        assert.deepEqual(way().heard([said, said.replace('abc123', '***')]), [said.replace('abc123', '***')]);
        const recorded = await recordedRequests();
        assert.ok(recorded.includes('secret-***') && !recorded.includes('abc123'));
      });
    }

    test(`${target}: a recording of masked requests answers a client that asks the same again, if the replay has the control`, async () => {
      const own = { ...as('redacted'), token: JSON.parse(await api('/api/tokens', { principal: 'redacted' })).token };
      const [short, long] = [`tell secret-abc123 again to ${target}`, `tell secret-abc123 in pieces again to ${target}, ${'x'.repeat(bodyLimit)}`] as const;
      const askBoth = async (at: Access): Promise<readonly (string | undefined)[]> => {
        const [told] = await askAll(way(), at, short);
        return [told?.text, ...(exchangeWay === undefined ? [] : [(await sendInPieces(exchangeWay, at, long)).text])];
      };
      const told = await askBoth(own);
      assert.deepEqual(way().heard([short, short.replace('abc123', '***')]), [short.replace('abc123', '***')], JSON.stringify(told));
      const isAsked = ({ kind, content }: ShownRecord): boolean => kind === 'request' && content?.text?.includes(`again to ${target}`) === true;
      await waitUntil(async () => (await recordsOf('redacted')).some(isAsked));
      const session = (await recordsOf('redacted')).find(isAsked)?.session;
      const file = join(directory, `${target}.bundle`);
      writeFileSync(file, await api(`/api/sessions/${session}/bundle`));
      const again = async (controls: readonly Control[]) => {
        const misses: string[] = [];
        await using bundle = await open(file);
        await using replay = await ReplayServer.open(bundle, {
          speed: null,
          port: 0,
          controls,
          onMiss: ({ nearest }) => misses.push(nearest?.difference.recorded ?? ''),
        });
        const answers = await askBoth({ addresses: Object.fromEntries(replay.addresses), token: replay.environment['COUNTERSIGN_TOKEN'] ?? '' });
        await replay.told();
        return { answers, misses };
      };
      assert.deepEqual(await again([new MaskRequestControl()]), { answers: told, misses: [] });
      const { answers, misses } = await again([]);
      assert.ok(answers.every((answer) => answer?.includes('has no answer to this request') === true));
      assert.ok(misses.length === told.length && misses.every((recorded) => recorded.includes('***')), JSON.stringify(misses));
    });

    if (exchangeWay !== undefined) {
      test(`${target}: an address or a header is not masked, so a control that masks requests can deny them`, async () => {
        const { path, type, headers, body } = { ...exchangeWay, body: exchangeWay.body(`tell nothing to ${target}`) };
        const { addresses, token } = as('redacted');
        for (const [at, own] of [
          [`${path}?of=secret-xyz789`, {}],
          [`${path}?of=%73ecret-xyz789`, {}],
          [path, { 'x-of': 'secret-xyz789' }],
        ] as const) {
          const answer = await fetch(`http://${addresses['http']}/t/${target}${at}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': type, accept: 'application/json, text/event-stream', ...headers, ...own },
            body,
          });
          assert.match(await answer.text(), /a secret stands where it cannot be masked|MCP is spoken at the address of the target/);
        }
        assert.deepEqual(way().heard([`tell nothing to ${target}`]), []);
      });
    }

    if (exchangeWay !== undefined) {
      test(`${target}: the record has nothing of a masked request that cannot be read, or has no texts that can be found`, async () => {
        const { path, type, headers } = exchangeWay;
        const { addresses, token } = as('redacted');
        const heard = way().heard(['secret-unread', 'secret-***']);
        for (const [own, body] of [
          [type, Buffer.from('{"a":"secret-unread1","a":"\\ud800\0"}')],
          ['image/png', Buffer.from('secret-unread2')],
          [type, Readable.from([Buffer.from(exchangeWay.body(`secret-unread3 ${'x'.repeat(bodyLimit)}`)), Buffer.from('\0')])],
        ] as const) {
          const answer = await fetch(`http://${addresses['http']}/t/${target}${path}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', ...headers, 'content-type': own },
            body,
            duplex: 'half',
          });
          await answer.text();
          assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
        }
        assert.ok(!(await recordedRequests()).includes('secret-unread'));
        assert.deepEqual(way().heard(['secret-unread', 'secret-***']), heard);
      });
    }

    const socketWay = exchangeWay?.socket === undefined ? undefined : exchangeWay;
    if (socketWay !== undefined) {
      test(`${target}: what is masked in a message over WebSocket reaches neither the target nor the record`, async () => {
        const said = `tell secret-abc123 in frames to the socket of ${target}`;
        assert.match(await talk(socketWay, as('redacted'), said), / 1000 no more of $/);
        assert.deepEqual(way().heard([said, said.replace('abc123', '***')]), [said.replace('abc123', '***')]);
        const recorded = await recordedRequests();
        assert.ok(recorded.includes('secret-***') && !recorded.includes('abc123'));
      });

      test(`${target}: what is masked over WebSocket reaches neither the client nor the record`, async () => {
        const said = `tell secret-abc123 to the socket of ${target}`;
        const plain = await talk(socketWay, as('plain'), said);
        assert.match(plain, /secret-abc123.*secret-abc123, as text.*1000 no more of secret-abc123$/);
        assert.equal(await talk(socketWay, as('masked'), said), plain.replaceAll('secret-abc123', 'secret-***'));
        assert.ok(!(await recordedAnswers()).includes('abc123'));
      });
    }

    for (const words of maskedWordsOf(target)) {
      test(`${target}: what is masked reaches neither the client nor the record, and the rest is as it was (${words})`, async () => {
        const said = `${words} of ${target}`;
        const [plain] = await askAs('plain', said);
        const [told] = await askAs('masked', said);
        assert.match(plain?.text ?? '', /secret-abc123/);
        assert.equal(told?.isAllowed, !words.startsWith('failing'), JSON.stringify(told));
        assert.equal(told?.text, plain?.text.replaceAll('secret-abc123', 'secret-***'));
        const asked = contracts.server.heard.filter(({ body }) => body.includes(said));
        assert.deepEqual(
          asked.slice(1).map(({ headers }) => headers.range),
          asked.slice(1).map(() => undefined),
          'the target is asked for all of the answer',
        );
        assert.deepEqual(way().heard([said]), [said, said], 'the target is asked what was said');
        const recorded = await recordedAnswers();
        assert.ok(recorded.includes('secret-***') && !recorded.includes('abc123'), recorded);
      });
    }
  }
});

/** A real hold over every protocol: requests that people must approve. */
describe('approvals over every protocol', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-approvals-'));
  let contracts: StartedContracts;
  let gateway: Gateway;
  const tokens = new Map<string, string>();

  async function api(path: string, { body, as: principal }: { readonly body?: unknown; readonly as?: string } = {}): Promise<Response> {
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const token = principal === undefined ? operator : (tokens.get(principal) ?? assert.fail(principal));
    return fetch(`http://${gateway.addresses['http']}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  }
  const listed = async (): Promise<readonly ApprovalSummary[]> => JSON.parse(await (await api('/api/v1/approvals')).text());
  const waiting = async (): Promise<ApprovalSummary> => {
    await waitUntil(async () => (await listed()).some(({ state }) => state === 'waiting'));
    return (await listed()).find(({ state }) => state === 'waiting') ?? assert.fail('nothing waits');
  };
  const as = (principal: string): Access => ({ addresses: gateway.addresses, token: tokens.get(principal) ?? '' });

  before(async () => {
    process.env['COUNTERSIGN_LOG'] = 'silent';
    contracts = await startContracts(secret);
    Object.assign(process.env, contracts.environment);
    const targets = `targets: [${contractTargets.join(', ')}]`;
    const kinds = {
      ann: `kind: human, groups: [dba], ${targets}`,
      bot: `kind: agent, ${targets}`,
      bob: 'kind: human, groups: [dba]',
      eve: 'kind: human, groups: [others]',
    };
    const principals = Object.entries(kinds).map(([id, facts]) => `  ${id}: { ${facts} }\n`);
    const listeners = ['http', ...streamProtocols.map(({ id }) => id)].map((id) => `${id}: 127.0.0.1:0`).join(', ');
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(configFile, `data: store\nlisten: { ${listeners} }\n${targetsOf(contracts.ways)}principals:\n${principals.join('')}`);
    gateway = await Gateway.open({ configFile, policyOf: (config) => withApproval(grantPolicy([...config.principals.values()])) });
    for (const principal of Object.keys(kinds)) {
      tokens.set(principal, JSON.parse(await (await api('/api/tokens', { body: { principal } })).text()).token);
    }
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await contracts[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [position, target] of contractTargets.entries()) {
    const way = (): ContractWay => contracts.ways[position] ?? assert.fail(target);

    test(`B20, B22, ${target}: what is held waits until another person grants it, and is forwarded once`, async () => {
      const said = `waiting-words of ${target}`;
      const asking = askAll(way(), as('ann'), said);
      const first = await waiting();
      assert.deepEqual([first.principal, first.target, first.state, first.groups], ['ann', target, 'waiting', ['dba']]);
      const path = `/api/v1/approvals/${first.approval}`;
      assert.deepEqual(way().heard([said]), []);
      assert.equal((await api(`${path}/grant`, { body: {}, as: 'ann' })).status, 403, 'who asks does not grant, although in the group');
      assert.equal((await api(`${path}/grant`, { body: {}, as: 'eve' })).status, 404, 'who is in none of the groups learns nothing');
      assert.equal((await api(`${path}/grant`, { body: {}, as: 'bob' })).status, 200);
      const [told] = await asking;
      assert.equal(told?.isAllowed, true, JSON.stringify(told));
      assert.deepEqual(way().heard([said]), [said]);
      if (!exchangeWays.some((each) => each.target === target)) {
        assert.match(
          told?.text ?? '',
          new RegExp(`waits for approval by dba; countersign approval grant ${first.approval}`),
          'a notice says how it is approved',
        );
      }
      assert.equal((await api(`${path}/grant`, { body: {}, as: 'bob' })).status, 409, 'it is spent');
    });

    test(`B20, B22, ${target}: what is denied forwards nothing, and the client is told the reason`, async () => {
      const said = `denied-by-people of ${target}`;
      const asking = askAll(way(), as('ann'), said);
      const { approval } = await waiting();
      assert.equal((await api(`/api/v1/approvals/${approval}/deny`, { body: { reason: 'use the archive' }, as: 'bob' })).status, 200);
      const [told] = await asking;
      assert.equal(told?.isAllowed, false);
      assert.match(told?.text ?? '', /bob denied it: use the archive/);
      assert.deepEqual(way().heard([said]), []);
    });

    test(`B20, B22, ${target}: who does not wait is told the approval, and the same request sent again spends the grant, once`, async () => {
      const said = `returned-words of ${target}`;
      const askAgain = async (words: string): Promise<Told> => (await askAll(way(), as('bot'), words))[0] ?? assert.fail('nothing was told');
      const idIn = ({ isAllowed, text }: Told): string => {
        assert.equal(isAllowed, false);
        return /ap_[0-9a-f]{16}/.exec(text)?.[0] ?? assert.fail(text);
      };
      const id = idIn(await askAgain(said));
      assert.equal(idIn(await askAgain(said)), id, 'the same request is the same approval');
      assert.notEqual(idIn(await askAgain(`other ${said}`)), id);
      assert.equal((await api(`/api/v1/approvals/${id}/grant`, { body: {}, as: 'bot' })).status, 403);
      assert.equal((await api(`/api/v1/approvals/${id}/grant`, { body: {}, as: 'ann' })).status, 200);
      assert.deepEqual(await (await api(`/api/v1/approvals/${id}`, { as: 'bot' })).json(), { approval: id, state: 'granted', next: 'resend' });
      assert.equal((await askAgain(said)).isAllowed, true);
      assert.notEqual(idIn(await askAgain(said)), id, 'a grant is for one request');
      assert.deepEqual(way().heard([said]), [said]);
      for (const { approval } of await listed()) {
        await api(`/api/v1/approvals/${approval}/deny`, { body: { reason: 'the test is over' } });
      }
    });

    test(`B22, E48, ${target}: a client that leaves, or whose credential ends, withdraws what it waited for`, async () => {
      const left = way().connect(as('ann'));
      const { told } = left.ask(`left-held of ${target}`);
      const first = await waiting();
      left.leave();
      await waitUntil(async () => (await listed()).length === 0);
      await told;
      const own: { readonly token: string; readonly id: string } = JSON.parse(await (await api('/api/tokens', { body: { principal: 'ann' } })).text());
      const revoked = way().connect({ addresses: gateway.addresses, token: own.token });
      const asked = revoked.ask(`revoked-held of ${target}`);
      const second = await waiting();
      await fetch(`http://${gateway.addresses['http']}/api/tokens/${own.id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim()}` },
      });
      assert.equal((await asked.told).isAllowed, false);
      await waitUntil(async () => (await listed()).length === 0);
      for (const { approval } of [first, second]) {
        assert.equal((await api(`/api/v1/approvals/${approval}/grant`, { body: {} })).status, 409);
      }
      assert.deepEqual(way().heard([`left-held of ${target}`, `revoked-held of ${target}`]), []);
    });
  }
});

/** The grants, and people of a group must approve whatever is asked for, except the login with its settings. */
function withApproval(grants: PolicyEngine): PolicyEngine {
  const obligations: readonly Obligation[] = [{ kind: 'approval', parameters: { groups: 'dba' } }];
  return {
    version: grants.version,
    text: grants.text,
    decide: (question) => {
      const decision = grants.decide(question);
      const isLogin = question.action.name.endsWith('.connect') || question.action.text?.().pieces[0]?.text.startsWith('SET ') === true;
      return decision.verdict !== 'allow' || isLogin ? decision : { ...decision, verdict: 'hold', reason: 'it is a rule', obligations };
    },
  };
}

interface Answered {
  readonly status: number;
  readonly session: string;
  readonly text: string;
}

/** Sends the body of a request in pieces of unknown number, of which one ends within `secret-`. */
async function sendInPieces(way: ExchangeWay, { addresses, token }: Access, said: string): Promise<Answered> {
  const { target, path, type, headers } = way;
  const whole = Buffer.from(way.body(said));
  const cut = whole.indexOf('cret-');
  const answer = await fetch(`http://${addresses['http']}/t/${target}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': type, accept: 'application/json, text/event-stream', ...headers },
    body: Readable.from([whole.subarray(0, cut), whole.subarray(cut)]),
    duplex: 'half',
  });
  return { status: answer.status, session: answer.headers.get('countersign-session') ?? '', text: await answer.text() };
}

/** Says something over WebSocket, in two frames. Resolves when the connection is closed, with all that was said back: pieces of a text are joined. */
async function talk({ target, socket }: ExchangeWay, { addresses, token }: Access, said: string): Promise<string> {
  const client = new WebSocket(`ws://${addresses['http']}/t/${target}${socket?.path ?? ''}`, { headers: { authorization: `Bearer ${token}` } });
  const told: string[] = [];
  client.on('message', (message) => told.push(textOf(message)));
  client.once('open', () => {
    const message = socket?.message(said) ?? '';
    const cut = message.indexOf('cret-');
    client.send(message.slice(0, cut), { fin: false });
    client.send(message.slice(cut));
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  client.once('close', (code, reason) => {
    const pieces = told.map((message) => /"delta":"([^"]*)"/.exec(message)?.[1] ?? message);
    resolve(`${pieces.join('')} ${code} ${reason.toString()}`);
  });
  return promise;
}

test('a protocol that brings nothing for these tests fails with what to add', async () => {
  await assert.rejects(contractOf({ id: 'toy', transport: 'stream' }), {
    message: /^The protocol toy brings nothing .*: add gateway\/src\/protocols\/toy\/testdata\/contract\.ts, whose export "contract" is a ProtocolContract/,
  });
});
