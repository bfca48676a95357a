import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, before, describe, test } from 'node:test';
import type { ApprovalSummary } from '../gateway/src/api/approvals.ts';
import type { Obligation } from '../gateway/src/domain/decision.ts';
import type { SessionSummary, ShownRecord } from '../gateway/src/feed/shown-record.ts';
import { verifyFile } from '@countersign/ledger';
import { WebSocket } from 'ws';
import { streamProtocols } from '../gateway/src/protocols/registry.ts';
import { Gateway } from '../gateway/src/gateway.ts';
import { ReplayServer } from '../gateway/src/offline/replay-server.ts';
import type { Control } from '../gateway/src/controls/control.ts';
import { grantPolicy } from '../gateway/src/policy/grants.ts';
import type { PolicyEngine } from '../gateway/src/policy/policy.ts';
import type { ContractWay, Access, ExchangeWay, Told } from './support/contract.ts';
import { askAll, contractOf, contractTargets, exchangeWays, maskedWordsOf, startContracts, targetsOf, type StartedContracts } from './support/contracts.ts';
import { holds } from './support/canary.ts';
import { HoldControl } from './support/controls/hold.ts';
import { LimitControl } from './support/controls/limit.ts';
import { textOf } from './support/live-models.ts';
import { MaskRequestControl } from './support/controls/mask-request.ts';
import { MaskControl } from './support/controls/mask.ts';
import { suiteParts } from './support/suite-parts.ts';
import { waitUntil, within } from './support/wait-until.ts';

const secret = 'canary-target-secret-5d0e7b';
const bodyLimit = 65_536;

const held: readonly Obligation[] = [{ kind: 'test-hold', parameters: {} }];
const limited: readonly Obligation[] = [{ kind: 'test-limit', parameters: { max: '2' } }];
const masked: readonly Obligation[] = [{ kind: 'test-mask', parameters: {} }];
const redacted: readonly Obligation[] = [{ kind: 'test-mask-request', parameters: {} }];
const unkept: readonly Obligation[] = [{ kind: 'record', parameters: { keep: 'facts', policy: 'test:unkept' } }];
const obligationsOf: Readonly<Record<string, readonly Obligation[]>> = { held, limited, masked, redacted, unkept };

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
    const sessions: readonly SessionSummary[] = lines(await api('/api/v1/sessions?facts')).map((line) => JSON.parse(line));
    const texts = await Promise.all(
      sessions.filter((each) => each.principal === principal).map(async ({ session }) => api(`/api/v1/sessions/${session}/records`)),
    );
    return texts.flatMap((text) => lines(text).map((line): ShownRecord => JSON.parse(line)));
  }

  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    contracts = parts.use(await startContracts(secret));
    Object.assign(process.env, contracts.environment);
    const names = contractTargets.join(', ');
    const principals = ['plain', ...Object.keys(obligationsOf)].map((id) => `  ${id}: { kind: agent, targets: [${names}] }\n`).join('');
    const listeners = ['http', ...streamProtocols.map(({ id }) => id)].map((id) => `${id}: 127.0.0.1:0`).join(', ');
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(configFile, `data: store\nlisten: { ${listeners} }\n${targetsOf(contracts.ways)}principals:\n${principals}`);
    gateway = parts.use(
      await Gateway.open({
        logLevel: 'silent',
        configFile,
        policyOf: (config) => withObligations(grantPolicy([...config.principals.values()])),
        controls: [hold, new LimitControl(), new MaskControl(), new MaskRequestControl()],
      }),
    );
    for (const principal of ['plain', ...Object.keys(obligationsOf)]) {
      tokens.set(principal, JSON.parse(await api('/api/v1/tokens', { principal })).token);
    }
  });

  /** Resolves when an act is held. Fails if the request that should be held has its answer already. */
  const isHeld = async (told: Promise<unknown>): Promise<void> => {
    await Promise.race([told, waitUntil(() => hold.waiting.length === 1)]);
    assert.equal(hold.waiting.length, 1);
  };
  // The next test would take an act that this one left held for its own.
  afterEach(() => {
    for (const act of hold.waiting.splice(0)) {
      act.settle('the test is over');
    }
  });

  for (const [position, target] of contractTargets.entries()) {
    const way = (): ContractWay => contracts.ways[position] ?? assert.fail(target);
    const askAs = async (principal: string, ...words: readonly string[]): Promise<readonly Told[]> => askAll(way(), as(principal), ...words);

    const requestsOf = async (): Promise<readonly ShownRecord[]> =>
      (await recordsOf('redacted')).filter(({ kind, target: at, action }) => kind === 'request' && at === target && action?.endsWith('.connect') !== true);
    /** The bytes and the facts of all requests to the target that were masked. What is shown of a WebSocket frame has no mask. */
    const recordedRequests = async (): Promise<string> => {
      const requests = await requestsOf();
      const bytes = await Promise.all(requests.map(async ({ session, seq }) => api(`/api/v1/sessions/${session}/records/${seq}/bytes?bytes=0-`)));
      return bytes.join('') + JSON.stringify(requests);
    };

    /** The bytes and the facts of all masked answers of the target, and of what it asked of the client in them. */
    const recordedAnswers = async (): Promise<string> => {
      const answers = (await recordsOf('masked')).filter(
        ({ kind, target: at, attributes }) => at === target && (kind === 'response' || attributes['countersign.asked_within'] !== undefined),
      );
      const bytes = await Promise.all(answers.map(async ({ session, seq }) => api(`/api/v1/sessions/${session}/records/${seq}/bytes?bytes=0-`)));
      return bytes.join('') + JSON.stringify(answers);
    };

    test(`${target}: what is held waits, keeps its order, holds up nobody else, and is recorded before and after`, async () => {
      const words = [`held-words 1 ${target}`, `behind ${target}`];
      const asking = askAs('held', ...words);
      await isHeld(asking);
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
      await isHeld(asking);
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
      const own = { ...as('redacted'), token: JSON.parse(await api('/api/v1/tokens', { principal: 'redacted' })).token };
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
      writeFileSync(file, await api(`/api/v1/sessions/${session}/bundle`));
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

    test(`${target}: of which only facts are recorded, no text of requests and answers is on record, and the record is whole`, async () => {
      const canary = 'unkept2b86f0';
      for (const words of maskedWordsOf(target)) {
        const said = `${words.replace('abc123', canary)} of ${target}`;
        const [told] = await askAs('unkept', said);
        assert.match(told?.text ?? '', new RegExp(canary), 'the client gets what it asked for');
        assert.deepEqual(way().heard([said]), [said], 'the target gets it as it was said');
      }
      if (exchangeWay !== undefined) {
        const { addresses, token } = as('unkept');
        assert.equal((await sendInPieces(exchangeWay, as('unkept'), `tell secret-${canary} in pieces ${'x'.repeat(bodyLimit)}`)).status, 200);
        const { path, headers, type } = exchangeWay;
        const unread = { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', ...headers, 'content-type': type };
        const answer = await fetch(`http://${addresses['http']}/t/${target}${path}?${canary}`, {
          method: 'POST',
          headers: unread,
          body: `{"${canary}":1,"${canary}":2,"\\ud800":"\0"}`,
        });
        await answer.text();
      }
      if (socketWay !== undefined) {
        assert.match(await talk(socketWay, as('unkept'), `tell secret-${canary} to the socket`), new RegExp(canary));
      }
      const ofTarget = (await recordsOf('unkept')).filter(({ target: at, action }) => at === target && action?.endsWith('.connect') !== true);
      const requests = ofTarget.filter(({ kind, attributes }) => kind === 'request' && attributes['countersign.obligations'] !== undefined);
      assert.ok(requests.length >= maskedWordsOf(target).length);
      const answers = ofTarget.filter(({ kind, attributes }) => kind === 'response' && requests.some(({ seq }) => seq === attributes['countersign.request']));
      assert.ok(answers.length > 0);
      for (const { content, attributes } of [...requests, ...answers]) {
        assert.deepEqual(
          [content, attributes['countersign.withheld'], attributes['countersign.obligations']],
          [null, 'not_kept', ['record keep=facts policy=test:unkept']],
        );
      }
      assert.ok(requests.some(({ attributes }) => Number(attributes['countersign.content_bytes']) > canary.length));
      // A bundle has every body of its session in the clear.
      const sessions = new Set(ofTarget.map(({ session }) => session));
      assert.ok(sessions.size > 0);
      for (const session of sessions) {
        const bundle = await api(`/api/v1/sessions/${session}/bundle`);
        assert.ok(!holds(Buffer.from(bundle), canary), session);
        const report = await verifyFile(Buffer.from(bundle));
        assert.deepEqual([report.verdict, report.counts.factsOnly > 0], ['holds', true], JSON.stringify(report.findings));
      }
    });

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
  /** Returns what waits for approval. Fails if the request that should wait has its answer already. */
  const waiting = async (told: Promise<unknown>): Promise<ApprovalSummary> => {
    await Promise.race([told, waitUntil(async () => (await listed()).some(({ state }) => state === 'waiting'))]);
    return (await listed()).find(({ state }) => state === 'waiting') ?? assert.fail('it was answered, and does not wait');
  };
  const recordsOf = async (principal: string): Promise<readonly ShownRecord[]> => {
    const read = async <Row>(path: string): Promise<readonly Row[]> => lines(await (await api(path)).text()).map((line) => JSON.parse(line));
    const sessions = (await read<SessionSummary>('/api/v1/sessions?facts')).filter((each) => each.principal === principal);
    return (await Promise.all(sessions.map(async ({ session }) => read<ShownRecord>(`/api/v1/sessions/${session}/records`)))).flat();
  };
  const as = (principal: string): Access => ({ addresses: gateway.addresses, token: tokens.get(principal) ?? '' });

  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    contracts = parts.use(await startContracts(secret));
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
    gateway = parts.use(
      await Gateway.open({ logLevel: 'silent', configFile, policyOf: (config) => withApproval(grantPolicy([...config.principals.values()])) }),
    );
    for (const principal of Object.keys(kinds)) {
      tokens.set(principal, JSON.parse(await (await api('/api/v1/tokens', { body: { principal } })).text()).token);
    }
  });

  // The next test would take an approval that this one left open for its own, and would wait for the other.
  afterEach(async () => {
    for (const { approval } of await listed()) {
      await api(`/api/v1/approvals/${approval}/deny`, { body: { reason: 'the test is over' } });
    }
  });

  for (const [position, target] of contractTargets.entries()) {
    const way = (): ContractWay => contracts.ways[position] ?? assert.fail(target);

    test(`B20, B22, ${target}: what is held waits until another person grants it, and is forwarded once`, async () => {
      const said = `waiting-words of ${target}`;
      const asking = askAll(way(), as('ann'), said);
      const first = await waiting(asking);
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
      const { approval } = await waiting(asking);
      assert.equal((await api(`/api/v1/approvals/${approval}/deny`, { body: { reason: 'use \u001B[8mthe\u202E archive' }, as: 'bob' })).status, 200);
      const [told] = await asking;
      assert.equal(told?.isAllowed, false);
      assert.match(told?.text ?? '', /bob denied it: use \\+x1b\[8mthe\\+u\{202e\} archive/);
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
      const records = await recordsOf('bot');
      const [use, ...others] = records.filter(
        ({ attributes }) => attributes['countersign.approval.state'] === 'spent' && attributes['countersign.approval.id'] === id,
      );
      assert.deepEqual(others, []);
      const { attributes: used, session } = use ?? assert.fail('the use is on record');
      assert.deepEqual([used['countersign.approval.groups'], used['countersign.approval.granted_by']], [['dba'], ['ann']], 'what ran names who approved it');
      assert.ok(records.some((each) => each.kind === 'request' && each.session === session && each.seq === used['countersign.request']));
      const asked = records.find(({ record }) => record === used['countersign.approval.asked_record']);
      assert.deepEqual([asked?.attributes['countersign.approval.state'], asked?.session], ['waiting', used['countersign.approval.asked_session']]);
      // Where the session that asked has ended, the grant is in the gateway's own.
      const grant: ShownRecord = JSON.parse(await (await api(`/api/v1/records/${String(used['countersign.approval.granted_records'])}`)).text());
      const { attributes: granted } = grant;
      assert.deepEqual([granted['countersign.approval.id'], granted['countersign.approval.state'], granted['countersign.approval.by']], [id, 'granted', 'ann']);
      const isOther = grant.session !== asked?.session;
      assert.equal(granted['countersign.approval.session'], isOther ? asked?.session : undefined);
    });

    test(`B22, E48, ${target}: a client that leaves, or whose credential ends, withdraws what it waited for`, async () => {
      const left = way().connect(as('ann'));
      const { told } = left.ask(`left-held of ${target}`);
      const first = await waiting(told);
      left.leave();
      await waitUntil(async () => (await listed()).length === 0);
      await within(told, 'the answer to a client that left');
      const own: { readonly token: string; readonly id: string } = JSON.parse(await (await api('/api/v1/tokens', { body: { principal: 'ann' } })).text());
      const revoked = way().connect({ addresses: gateway.addresses, token: own.token });
      const asked = revoked.ask(`revoked-held of ${target}`);
      const second = await waiting(asked.told);
      await fetch(`http://${gateway.addresses['http']}/api/v1/tokens/${own.id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim()}` },
      });
      assert.equal((await within(asked.told, 'the answer to a revoked credential')).isAllowed, false);
      await waitUntil(async () => (await listed()).length === 0);
      for (const { approval } of [first, second]) {
        assert.equal((await api(`/api/v1/approvals/${approval}/grant`, { body: {} })).status, 409);
      }
      assert.deepEqual(way().heard([`left-held of ${target}`, `revoked-held of ${target}`]), []);
    });
  }
});

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

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
  return within(promise, 'the close of the WebSocket');
}

test('a protocol that brings nothing for these tests fails with what to add', async () => {
  await assert.rejects(contractOf({ id: 'toy', transport: 'stream' }), {
    message: /^The protocol toy brings nothing .*: add gateway\/src\/protocols\/toy\/testdata\/contract\.ts, whose export "contract" is a ProtocolContract/,
  });
});
