import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as wholeText } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { builtInClasses } from '../../gateway/src/surface/classes.ts';
import { effectNames } from '../../gateway/src/domain/effects.ts';
import type { SessionSummary, ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { protocols, streamProtocols } from '../../gateway/src/protocols/registry.ts';
import { parseBundle } from '../../ledger/src/testdata/whole-bundle.ts';
import { filesHolding, holds } from '../support/canary.ts';
import type { Connection, ContractWay, Access, Told } from '../support/contract.ts';
import { askAll, contractTargets, exchangeWays, startContracts, targetsOf, testedProtocols, type StartedContracts } from '../support/contracts.ts';
import { ask, sessionOf } from '../support/exchanges.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import type { StreamServer } from '../support/stream-server.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const secret = 'canary-target-secret-5d0e7b';
const bodyLimit = 65_536;

/** Each row of a target asks as a principal of its own, `ROW-TARGET`, whose sessions are the row's. */
const rows = ['described', 'recorded', 'withdrawn', 'taken', 'halted', 'revoked', 'suspended', 'left', 'ended'] as const;
const rowsOfAll = contractTargets.flatMap((target) => rows.map((row) => ({ principal: `${row}-${target}`, target })));

const mail = 'ada.lovelace7c1a@example.com';
/** Looks like a value of a class to a careless reader: numbers of orders, ids, digests, prices, times, versions. */
const honest =
  'order 4111-2200-17 of 550e8400-e29b-41d4-a716-446655440000; 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08; 1299.00 EUR; 2024-05-06T07:08:09.123Z; v1.22.3-rc.1';
const shapedWords = `to ${mail}; ${honest}`;
const maskedWords = `to [email]; ${honest}`;
const maskedColumns = `to ${'[email]'.padEnd(mail.length, '*')}; ${honest}`;
/** The classes that are looked for at all targets. Policy masks the first, and not the second. */
const inspected = ['email', 'ticket'];
const classes = `classes: { ticket: { pattern: '4111-2200-[0-9]{2}' } }\n`;
const policies = `@id("all")\n@mask("${builtInClasses.map(({ name }) => name).join(', ')}")\npermit (principal == Principal::"masked", action, resource);\n`;

/** The promises that every protocol keeps, whatever it carries. */
describe('the contract of protocols', () => {
  let contracts: StartedContracts;
  let gateway: GatewayProcess;
  const directory = mkdtempSync(join(tmpdir(), 'countersign-contract-'));
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'masks.cedar'), policies);
    contracts = parts.use(await startContracts(secret));
    gateway = parts.use(
      await GatewayProcess.start({
        config: configOf(),
        environment: { ...contracts.environment, COUNTERSIGN_LOG: 'trace' },
        listeners: streamProtocols.map(({ id }) => id),
      }),
    );
  });

  /** `without`: a principal that is granted nothing. */
  function configOf(without = 'stranger'): string {
    const granted = [
      { principal: 'agent', target: contractTargets.join(', ') },
      { principal: 'stranger', target: '' },
      { principal: 'masked', target: '' },
      { principal: 'looked', target: contractTargets.join(', ') },
      ...rowsOfAll,
    ];
    const principals = granted.map(({ principal, target }) => `  ${principal}: { kind: agent, targets: [${principal === without ? '' : target}] }\n`);
    const targets = targetsOf(contracts.ways).replaceAll(', tags:', `, inspect: [${inspected.join(', ')}], tags:`);
    return `${targets}${classes}principals:\n${principals.join('')}policies: ${join(directory, 'masks.cedar')}\nlimits: { frameBytesMax: ${bodyLimit} }\n`;
  }

  async function makeToken(principal: string): Promise<{ readonly token: string; readonly id: string }> {
    return JSON.parse(await (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal } })).text());
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

  /** Returns the way to a target, and the steps that its rows have in common. The ways are there when the suite has begun. */
  function rowsOf(target: string) {
    const way = (): ContractWay => contracts.ways[contractTargets.indexOf(target)] ?? assert.fail(target);
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
    return { way, accessOf, as, begin, assertEnded };
  }

  for (const target of contractTargets) {
    describe(target, () => {
      const { way, as, begin, assertEnded } = rowsOf(target);

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
        await gateway.apply(configOf(`withdrawn-${target}`));
        assert.equal((await connection.ask(withdrawn).told).isAllowed, false);
        await connection.close();
        await waitUntil(async () => (await recordsOf(await sessionsOf(`withdrawn-${target}`))).some(isEnd));
        await gateway.apply(configOf());
        assert.equal((await askAll(way(), own, again))[0]?.isAllowed, true);
        assert.deepEqual(way().heard([first, withdrawn, again]), [first, again]);
      });

      test('each record says in which environment it was made, before and after a change of it, and what the client says of itself is its claim', async () => {
        const principal = `described-${target}`;
        const words = [`described-words of ${target}`, `described-again of ${target}`];
        const connection = way().connect(await as(principal));
        const digests: string[] = [];
        for (const [turn, said] of words.entries()) {
          if (turn > 0) {
            await gateway.apply(configOf(`withdrawn-${target}`));
          }
          digests.push(createHash('sha256').update(readFileSync(gateway.configFile)).digest('hex'));
          const told = await connection.ask(said).told;
          assert.equal(told.isAllowed, true, JSON.stringify(told));
        }
        await connection.close();
        const { session } = await sessionOfRow(principal);
        const records = await gateway.records(session);
        const requests = words.map((said) => records.find(({ kind, content }) => kind === 'request' && content?.text?.includes(said) === true));
        const facts = requests.map((request) => request?.attributes ?? assert.fail('a request is not in the record'));
        const stated = facts.map((each) => records[Number(each['countersign.environment'])]?.attributes ?? assert.fail('it names no record'));
        assert.deepEqual(
          stated.map((each) => each['countersign.configuration.sha256']),
          digests,
        );
        assert.deepEqual(
          stated.map((each) => each['countersign.policy_version']),
          facts.map((each) => each['countersign.policy_version']),
        );
        assert.equal(new Set(stated.map((each) => each['countersign.policy_version'])).size, 2);
        assert.ok(stated.every((each) => each['service.name'] === 'countersign' && each['process.runtime.version'] === process.versions.node));
        assert.equal(records.filter(({ action }) => action === 'gateway.change_environment').length, 1);
        for (const each of facts) {
          const opening = records[Number(each['countersign.opening'])]?.attributes ?? assert.fail('it names no record');
          assert.deepEqual(opening['countersign.target.tags'], [`name=${target}`]);
          const claims = [opening, each].flatMap((attributes) => attributes['countersign.client.claims'] ?? []);
          assert.deepEqual(claims, way().claims);
        }
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
        const bundle = parseBundle(Buffer.from(await (await gateway.api(`/api/v1/sessions/${session}/bundle`)).arrayBuffer()));
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

      test('B22: what policy masks passes in no shape of an answer; all else is as the target sent it, and so is everything for who has no mask; the record says what was looked for', async () => {
        const [plainly, masked] = [await as('looked'), await as('masked')];
        const wrong: string[] = [];
        const times: (readonly [shape: string, outcome: string, begun: number, ended: number])[] = [];
        for (const shape of way().shapes) {
          const { name, form = '', outcome } = shape;
          const begun = Date.now();
          const [plain, got] = [await shape.ask(plainly, shapedWords), await shape.ask(masked, shapedWords)];
          times.push([`${name} ${form}`, outcome, begun, Date.now()]);
          await sleep(2);
          const [sent, said] = plain.bodies ?? [plain.bytes, plain.bytes];
          const isSame = sent.equals(said) && (shape.text === undefined || plain.bodies === null || plain.text === shape.text(shapedWords));
          const places = plain.text.split(shapedWords).length;
          const left = shape.keepsColumns === true ? maskedColumns : maskedWords;
          const isMasked =
            outcome !== 'masked'
              ? !got.text.includes('order 4111')
              : shape.text === undefined || got.bodies === null
                ? got.text.split(left).length === places
                : got.text === shape.text(left);
          if (!isSame || places < 2 || !isMasked || holds(got.bytes, 'lovelace7c1a')) {
            wrong.push(`${name} ${form}: ${JSON.stringify({ isSame, places, isMasked, plain: plain.text, got: got.bytes.toString('latin1') })}`);
          }
        }
        for (const principal of ['looked', 'masked']) {
          const records = (await recordsOf(await sessionsOf(principal))).filter((record) => record.target === target);
          for (const [shape, outcome, begun, ended] of times) {
            const own = records.filter(({ kind, time }) => kind === 'response' && Date.parse(time) >= begun && Date.parse(time) <= ended);
            const found = new Set(own.flatMap(({ attributes }) => [attributes['countersign.classes'] ?? []].flat().map(String)));
            const isMissed = own.some(({ attributes }) => attributes['countersign.inspected'] === false);
            const isFound = inspected.every((name) => found.has(name));
            // Where policy refuses the answer, nothing of it is seen.
            const isTold = outcome === 'masked' ? isFound && !isMissed : isFound || isMissed || principal === 'masked';
            if (!isTold) {
              wrong.push(`${principal} ${shape}: ${JSON.stringify({ found: [...found], isMissed })}`);
            }
          }
        }
        assert.deepEqual(wrong, []);
      });

      test('halt ends both sides', async () => {
        const said = `endless halted-words of ${target}`;
        const { told } = await begin(await as(`halted-${target}`), said);
        const { session } = await sessionOfRow(`halted-${target}`);
        await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } });
        await assertEnded(told, said, /halted/);
        await waitUntil(async () => (await sessionsOf(`halted-${target}`))[0]?.state === 'halted');
      });

      test('found: a target that is taken from the principal ends both sides of what is streamed from it', async () => {
        const said = `endless taken-words of ${target}`;
        const own = await as(`taken-${target}`);
        const { told } = await begin(own, said);
        await gateway.apply(configOf(`taken-${target}`));
        await assertEnded(told, said, /not granted/);
        await waitUntil(async () => (await recordsOf(await sessionsOf(`taken-${target}`))).some(isEnd));
        const records = await recordsOf(await sessionsOf(`taken-${target}`));
        assert.ok(
          (await told).text === '' || records.some(({ kind, attributes }) => kind === 'response' && attributes['error.type'] === 'refused'),
          'what the client was told is recorded',
        );
        await gateway.apply(configOf());
        assert.equal((await askAll(way(), own, `given again to ${target}`))[0]?.isAllowed, true);
      });

      test('a client that leaves is not waited for', async () => {
        const said = `endless left-words of ${target}`;
        const { connection, told } = await begin(await as(`left-${target}`), said);
        connection.leave();
        await assertEnded(told, said, /./);
      });
    });
  }

  describe('over HTTP', () => {
    let server: StreamServer;
    let token: string;
    before(async () => {
      ({ server } = contracts);
      token = await gateway.issueToken('agent');
    });

    for (const way of exchangeWays) {
      describe(way.target, () => {
        test('the session goes on where a grant was withdrawn and given again', async () => {
          const session = async (): Promise<string> => sessionOf(await ask(gateway, way, way.body('of one session'), { token: own }));
          const own = await gateway.issueToken(`withdrawn-${way.target}`);
          const known = await session();
          await gateway.apply(configOf(`withdrawn-${way.target}`));
          assert.equal((await ask(gateway, way, way.body('withdrawn'), { token: own })).status, 403);
          await gateway.apply(configOf());
          assert.equal(await session(), known);
        });

        test('the target gets the body as it was sent', async () => {
          const asked = way.body(`sent-words of ${way.target}`);
          await (await ask(gateway, way, asked, { token })).text();
          assert.equal(server.heardOf(`sent-words of ${way.target}`)?.body, asked);
        });

        test('B19: a run token speaks in its own session only; a session that the client names is not its own', async () => {
          const made = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
          const run: { readonly token: string; readonly session: string } = JSON.parse(await made.text());
          const foreign = sessionOf(await ask(gateway, way, way.body('foreign'), { token }));
          const headers = { 'countersign-session': foreign, 'x-countersign-session': foreign };
          const response = await ask(gateway, way, way.body('of the run'), { token: run.token, headers });
          assert.equal(sessionOf(response), run.session);
          await response.text();
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

        test('what the clients of one connection say of themselves is told apart, and a token in it is not recorded', async () => {
          const own = await gateway.issueToken('agent');
          const agent = new Agent({ keepAlive: true, maxSockets: 1 });
          const url = `http://127.0.0.1:${gateway.port('http')}/t/${way.target}${way.path}`;
          const sent = { authorization: `Bearer ${own}`, 'content-type': way.type, accept: 'application/json, text/event-stream', ...way.headers };
          let session = '';
          for (const said of ['one/1', 'two/2', `three/${own}`]) {
            const asking = send(url, { method: 'POST', agent, headers: { ...sent, 'user-agent': said } });
            asking.end(way.body('said by a client'));
            const [answer]: IncomingMessage[] = await once(asking, 'response');
            assert.ok(answer !== undefined);
            session = String(answer.headers['countersign-session']);
            await wholeText(answer);
          }
          agent.destroy();
          const records = await gateway.records(session);
          const claims = records
            .filter(({ kind, verdict }) => kind === 'request' && verdict === 'allow')
            .map(({ attributes }) => [records[Number(attributes['countersign.opening'])]?.attributes['countersign.client.claims'] ?? []].flat())
            .map((each) => each.filter((claim) => String(claim).startsWith('user_agent.')));
          assert.deepEqual(claims, [['user_agent.original=one/1'], ['user_agent.original=two/2'], []]);
          assert.ok(!JSON.stringify(records).includes(own));
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
            const answer = await gateway.api(`/api/v1/sessions/${last[0]?.session}/records/${last[0]?.seq}/bytes?bytes=0-`);
            assert.ok((await answer.text()).endsWith(`\r\n\r\n${body}`));
          }
          assert.equal(server.heard.length, heard);
        });
      });
    }
  });

  // The answer to a bad token is held back, and the longer the more there were before, so these rows wait beside one another.
  describe('credentials that end', { concurrency: true }, () => {
    for (const target of contractTargets) {
      const { way, accessOf, as, begin, assertEnded } = rowsOf(target);

      test(`T4.2, E48: revocation ends both sides: ${target}`, async () => {
        const said = `endless credential-ends of ${target}`;
        const { token, id } = await makeToken(`revoked-${target}`);
        const { told } = await begin(accessOf(token), said);
        await gateway.api(`/api/v1/tokens/${id}`, { method: 'DELETE' });
        await assertEnded(told, said, /revoked/);
        await waitUntil(async () => (await sessionsOf(`revoked-${target}`))[0]?.state === 'closed');
      });

      test(`T4.14, E48: suspension of a principal ends both sides, and its token works again once it is resumed: ${target}`, async () => {
        const said = `endless barred-words of ${target}`;
        const principal = `suspended-${target}`;
        const own = await as(principal);
        const { told } = await begin(own, said);
        await gateway.api(`/api/v1/principals/${principal}/suspend`, { method: 'POST', body: { reason: 'enough' } });
        await assertEnded(told, said, /suspended/);
        await waitUntil(async () => (await sessionsOf(principal))[0]?.state === 'suspended');
        const [refused] = await askAll(way(), own, `refused-words of ${target}`);
        assert.equal(refused?.isAllowed, false);
        assert.match(refused?.text ?? '', /is suspended/);
        await gateway.api(`/api/v1/principals/${principal}/resume`, { method: 'POST', body: {} });
        const [again] = await askAll(way(), own, `resumed-words of ${target}`);
        assert.equal(again?.isAllowed, true, JSON.stringify(again));
      });

      test(`B22: a token that was taken back opens nothing: ${target}`, async () => {
        const { token, id } = await makeToken(`ended-${target}`);
        assert.equal((await askAll(way(), accessOf(token), `before ${target}`))[0]?.isAllowed, true);
        await gateway.api(`/api/v1/tokens/${id}`, { method: 'DELETE' });
        const said = `ended-words of ${target}`;
        assert.equal((await askAll(way(), accessOf(token), said))[0]?.isAllowed, false);
        assert.deepEqual(way().heard([said]), []);
      });
    }

    for (const way of exchangeWays) {
      test(`B19: a run token speaks in no session when the run has ended: ${way.target}`, async () => {
        const made = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
        const run: { readonly token: string; readonly session: string } = JSON.parse(await made.text());
        await gateway.api(`/api/v1/runs/${run.session}/end`, { method: 'POST', body: {} });
        assert.equal((await ask(gateway, way, way.body('after'), { token: run.token })).status, 401);
      });

      test(`found: an answer names its session and record; who is turned away at the door has none, and is told when a token is missing: ${way.target}`, async () => {
        const [token, stranger] = [await gateway.issueToken('agent'), await gateway.issueToken('stranger')];
        const named = ({ headers }: Response): boolean[] => ['countersign-session', 'countersign-record'].map((name) => headers.has(name));
        const letIn = await ask(gateway, way, way.body('let in'), { token });
        await letIn.text();
        assert.deepEqual([letIn.status, named(letIn)], [200, [true, true]]);
        const turnedAway = [
          [
            401,
            { token: '' },
            /No Countersign token was shown: countersign token create makes one, which begins with cs_, and it goes where the client has its key or password\./,
          ],
          [401, { token: 'sk-of-the-target' }, /No Countersign token was shown: .*, and it goes where the client has its key/],
          [401, { token: 'cs_wrong' }, /not a Countersign token/],
          [403, { token: stranger }, /not granted/],
          [404, { token, target: 'nowhere' }, /no target/],
        ] as const;
        await Promise.all(
          turnedAway.map(async ([status, which, words]) => {
            const target = 'target' in which ? which.target : way.target;
            const refused = await ask(gateway, { ...way, target }, way.body('turned away'), { token: which.token });
            assert.deepEqual([refused.status, named(refused)], [status, [false, false]]);
            assert.match(await refused.text(), words);
          }),
        );
      });
    }
  });

  test('A10, B23: no protocol dials an address of the link, whether the target is at it or its name leads there', async () => {
    const guarded = contracts.ways.filter(({ place }) => place.startsWith('url:'));
    assert.ok(contracts.ways.every(({ place }) => /^(?:url|command):/.test(place)));
    const own = await gateway.issueToken('agent');
    for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '2852039166']) {
      await gateway.apply(configOf().replaceAll(/(url: "\w+:\/\/(?:\w+@)?)127\.0\.0\.1/g, `$1${host}`));
      for (const way of guarded) {
        const addresses = { http: `127.0.0.1:${gateway.port('http')}`, [way.protocol]: `127.0.0.1:${gateway.port(way.protocol)}` };
        const [told] = await askAll(way, { addresses, token: own }, `linked-words of ${way.target}`);
        assert.equal(told?.isAllowed, false, way.target);
        assert.match(told?.text ?? '', /only for a target with the option linkLocal/, way.target);
      }
    }
    await gateway.apply(configOf());
  });

  /** All records of all sessions. They are read once, because to read them takes long. */
  let all: Promise<readonly ShownRecord[]> | null = null;
  const everything = async (): Promise<readonly ShownRecord[]> => (all ??= gateway.sessions('all').then(recordsOf));

  test('B24: no secret is in a record, a file or the log', async () => {
    const records = await everything();
    assert.ok(records.length > 100);
    for (const canary of [secret, ...Object.values(contracts.environment), await gateway.issueToken('agent')]) {
      assert.ok(!JSON.stringify(records).includes(canary));
      assert.deepEqual(filesHolding(gateway.data, canary), []);
      assert.ok(!gateway.log.includes(canary));
    }
    assert.deepEqual(filesHolding(gateway.data, 'recorded-words'), []);
    const masked = records.filter(({ kind, principal }) => kind === 'response' && principal === 'masked');
    assert.ok(masked.length >= contracts.ways.flatMap(({ shapes }) => shapes).filter(({ outcome }) => outcome === 'masked').length);
    assert.deepEqual(
      masked.filter((record) => JSON.stringify(record).includes('lovelace7c1a')),
      [],
    );
  });

  test('a decision has a verdict, and an event has none', async () => {
    const records = await everything();
    const verdicts = (wanted: string) => records.flatMap(({ kind, verdict }) => (kind === wanted ? [verdict !== null] : []));
    assert.deepEqual(new Set(verdicts('decision')), new Set([true]));
    assert.deepEqual(new Set(verdicts('event')), new Set([false]));
  });

  test('each record of a channel names its environment, those of the gateway itself too', async () => {
    const records = await everything();
    const isUnnamed = ({ channel, attributes }: ShownRecord): boolean => channel !== null && typeof attributes['countersign.environment'] !== 'number';
    assert.deepEqual(records.filter(isUnnamed), []);
    assert.ok(records.some(({ principal, attributes }) => principal === null && attributes['countersign.configuration.sha256'] !== undefined));
  });

  test('no policy can speak of what clients claim of themselves', () => {
    const fields = protocols.flatMap(({ context }) => context.map(({ attribute }) => attribute));
    assert.ok(fields.length > 10 && !fields.includes('countersign.client.claims'));
  });

  test('each request says what it does, in the words that all protocols share', async () => {
    const requests = (await everything()).filter(({ kind, verdict }) => kind === 'request' && verdict === 'allow');
    const effects = requests.map(({ action, attributes }) => [attributes['countersign.effects'] ?? []].flat().map((effect) => [effect, action] as const));
    const words: readonly unknown[] = effectNames;
    assert.deepEqual([...new Set(effects.flat().filter(([effect]) => !words.includes(effect)))], []);
    // To connect, to cancel a request and to close a WebSocket does nothing at the target by itself.
    const closes = ({ attributes }: ShownRecord): boolean => attributes['countersign.websocket.opcode'] === 'close';
    const silent = requests
      .filter((request) => !closes(request))
      .filter(({ action, attributes }) => [attributes['countersign.effects'] ?? []].flat().length === 0 && !/\.(?:connect|cancel)$/.test(action ?? ''))
      .map(({ action, target }) => `${action} ${target}`);
    assert.deepEqual([...new Set(silent)], []);
    assert.ok(new Set(requests.map(({ target }) => target)).size >= contractTargets.length);
  });

  test('the README of each protocol lists the shapes of its answers, and what becomes of them where policy masks', () => {
    for (const { id } of testedProtocols) {
      const readme = readFileSync(join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', id, 'README.md'), 'utf8');
      const listed = Array.from(readme.matchAll(/^\| (.*) \| (masked|NULL|refused) \|$/gm), ([row]) => row);
      const shapes = contracts.ways.filter(({ protocol }) => protocol === id).flatMap((way) => way.shapes);
      assert.deepEqual(listed, [...new Set(shapes.map(({ name, outcome }) => `| ${name} | ${outcome} |`))], id);
    }
  });

  test('the record holds', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
