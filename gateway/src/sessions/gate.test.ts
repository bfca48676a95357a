import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Action } from '../domain/action.ts';
import type { Control, HeldAct } from '../controls/control.ts';
import { refusalOf, type Decision, type Obligation } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Principal, Standing } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { standsAlways } from '../identity/standing.ts';
import { grantPolicy } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { Gate } from './gate.ts';

const principal: Principal = { id: 'bot', kind: 'agent', groups: [], targets: ['brain'] };
const target: Target = { name: 'brain', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'disk', options: {} };
const bytes = [Buffer.from('x')];

const { signal } = new AbortController();
const waits = (): AbortSignal => signal;

function gate(policy: PolicyEngine, controls: readonly Control[] = [], standing = standsAlways(principal)): Gate {
  return new Gate({
    policy: () => policy,
    controls,
    identity: { principal, tokenId: 'tok_1', standing },
    target: () => target,
    session: 's',
    address: '127.0.0.1',
  });
}

/** Lets through what is known whole and does not speak of `payroll`. */
function silentOnPayroll(): PolicyEngine {
  return {
    version: 'words',
    text: '',
    decide: ({ action }) => {
      const said = action.text?.();
      const isAllowed = said?.isWhole === true && said.pieces.every(({ text }) => !text.includes('payroll'));
      return { verdict: isAllowed ? 'allow' : 'deny', policies: [], policyVersion: 'words', reason: 'words', obligations: [] };
    },
  };
}

test('a policy may decide by what a request says', () => {
  const saying = (text: string, isWhole = true): Action => ({ name: 'any.ask', attributes: {}, text: () => ({ pieces: [{ role: 'user', text }], isWhole }) });
  const decide = (action: Action): string => gate(silentOnPayroll()).ask(action, bytes, waits).decision.verdict;
  assert.equal(decide(saying('hello')), 'allow');
  assert.equal(decide(saying('read the payroll')), 'deny');
  assert.equal(decide(saying('hello', false)), 'deny');
  assert.equal(decide({ name: 'any.ask', attributes: {} }), 'deny');
});

test('grants never ask for the text, so that it costs nothing', () => {
  const action: Action = { name: 'any.ask', attributes: {}, text: () => assert.fail('the text was put together') };
  const granting = gate(grantPolicy([principal]));
  const { decision, settle } = granting.ask(action, bytes, waits);
  assert.equal(settle, null);
  assert.equal(granting.grant(decision, bytes).grant?.spend(), bytes);
});

/** A policy that gives every act this verdict and these obligations. */
function policyWith(verdict: Decision['verdict'], ...obligations: Obligation[]): PolicyEngine {
  return { version: 'v', text: '', decide: () => ({ verdict, policies: ['p'], policyVersion: 'v', reason: 'it is a rule', obligations }) };
}

const act: Action = { name: 'any.ask', attributes: {} };
/** The record of an act that is held. */
const held: HeldAct = {
  session: 's',
  seq: 1,
  record: 'l/1',
  decision: { verdict: 'hold', policies: [], policyVersion: 'v', reason: 'it is a rule', obligations: [] },
  standing: standsAlways(principal),
  isFactsOnly: false,
  withdrawn: signal,
  onEnded: () => () => undefined,
  tell: () => undefined,
  note: () => 'l/2',
};
const wait: Obligation = { kind: 'wait', parameters: {} };
const once: Obligation = { kind: 'once', parameters: {} };

test('an obligation that nobody here can carry out denies the act, and so does a hold that nobody can lift', () => {
  const strange = gate(policyWith('allow', { kind: 'strange', parameters: {} })).ask(act, bytes, waits);
  assert.equal(strange.decision.verdict, 'deny');
  assert.match(strange.decision.reason, /"strange", which this gateway cannot carry out/);
  const unnamed = gate(policyWith('hold')).ask(act, bytes, waits);
  assert.deepEqual([unnamed.decision.verdict, unnamed.settle], ['deny', null]);
  assert.equal(gate(policyWith('hold')).grant(held.decision, bytes).grant, null);
});

test('a control may refuse at once, and is told who asks what, where and when', () => {
  let asked: unknown;
  const control: Control = {
    kind: 'once',
    admit: ({ asker, target: at, action, timeMs, bytes: said }, obligation) => {
      asked = { principal: asker.principal.id, run: asker.run, session: asker.session, address: asker.address, at: at.name, action: action.name, obligation };
      assert.ok(Math.abs(timeMs - Date.now()) < 60_000);
      assert.equal(said, bytes);
      return 'it was used up';
    },
  };
  const { decision } = gate(policyWith('allow', once), [control]).ask(act, bytes, waits);
  assert.deepEqual([decision.verdict, decision.reason, decision.obligations], ['deny', 'it was used up', [once]]);
  assert.deepEqual(asked, { principal: 'bot', run: null, session: 's', address: '127.0.0.1', at: 'brain', action: 'any.ask', obligation: once });
});

test('no signal is made for an act that nobody holds, because to make one takes longer than to decide', () => {
  const control: Control = { kind: 'once', admit: () => null };
  const { decision } = gate(policyWith('allow', once), [control]).ask(act, bytes, () => assert.fail('a signal was made'));
  assert.equal(decision.verdict, 'allow');
});

test('of several objections that pass by themselves, the act is told the one that passes last, with its policy', () => {
  const later = (seconds: number): Obligation => ({ kind: 'later', parameters: { seconds: String(seconds), policy: `p:${seconds}` } });
  const control: Control = {
    kind: 'later',
    admit: (_, { parameters: { seconds } }) => (seconds === '0' ? null : { objection: `in ${seconds}`, retryAfterSeconds: Number(seconds) }),
  };
  const told = [later(0), later(30), later(9), later(400), later(60)];
  const { decision } = gate(policyWith('allow', ...told), [control]).ask(act, bytes, waits);
  assert.deepEqual([decision.verdict, decision.reason, decision.retryAfterSeconds, decision.policies], ['deny', 'in 400', 400, ['p:400']]);
  assert.equal(refusalOf(decision).retryAfterSeconds, 400);
  assert.equal(gate(policyWith('allow', later(0)), [control]).ask(act, bytes, waits).decision.retryAfterSeconds, undefined);
});

test('an act whose texts a control must change is denied unless it comes with this change', () => {
  const stars: Obligation = { kind: 'stars', parameters: { of: 'all' } };
  const change = (text: string): string => text.replaceAll('x', '*');
  const changing = gate(policyWith('allow', stars, once), [{ kind: 'stars', changeRequest: () => change }, { kind: 'once' }]);
  const needed = changing.requestChange(act, bytes);
  assert.deepEqual(needed, { texts: [change], obligations: [stars] });
  const verdictWith = (...obligations: readonly Obligation[]): string =>
    changing.ask(act, bytes, waits, { change: { texts: [change], obligations } }).decision.verdict;
  assert.deepEqual([verdictWith(stars), verdictWith(), verdictWith({ ...stars, parameters: {} })], ['allow', 'deny', 'deny']);
  assert.match(changing.ask(act, bytes, waits).decision.reason, /"stars", which changes texts of a request/);
  assert.equal(gate(policyWith('allow', once), [{ kind: 'once' }, { kind: 'stars', changeRequest: () => change }]).requestChange(act, bytes), null);
});

test('policy is not asked for changes of requests where no control makes any, nor for obligations where none changes texts', () => {
  const silent: PolicyEngine = { version: 'v', text: '', decide: () => assert.fail('policy was asked') };
  assert.equal(gate(silent, [{ kind: 'once', change: () => (text) => text }]).requestChange(act, bytes), null);
  assert.equal(gate(silent, [{ kind: 'once' }]).isObliged(act), false);
  const changing: Control = { kind: 'stars', changeRequest: () => (text) => text };
  assert.equal(gate({ ...silent, obligations: [once] }, [changing]).requestChange(act, bytes), null, 'no policy of the set names what it carries out');
  assert.equal(gate(policyWith('allow', once), [{ kind: 'once', change: () => (text) => text }]).isObliged(act), true);
});

test('an act is held until every control lets it go on; one that objects or fails denies it', async () => {
  const answers: ((objection: string | null) => void)[] = [];
  const control: Control = { kind: 'wait', admit: async () => new Promise((resolve) => answers.push(resolve)) };
  const holding = gate(policyWith('hold', wait, wait), [control]);
  const ask = async (...objections: (string | null)[]): Promise<Decision> => {
    const { decision, settle } = holding.ask(act, bytes, waits);
    assert.equal(decision.verdict, 'hold');
    assert.equal(holding.grant(decision, bytes).grant, null, 'nothing is granted meanwhile');
    answers.splice(0).forEach((answer, i) => {
      answer(objections[i] ?? null);
    });
    return settle?.(held) ?? assert.fail('it is not held');
  };
  assert.equal((await ask(null, null)).verdict, 'allow');
  assert.equal((await ask(null, 'no')).reason, 'no');
  const failing: Control = { kind: 'wait', admit: async () => Promise.reject(new Error('broken')) };
  const failed = await gate(policyWith('hold', wait), [failing]).ask(act, bytes, waits).settle?.(held);
  assert.deepEqual([failed?.verdict, failed?.reason], ['deny', 'what was to decide on it failed']);
});

test('a credential that ends while an act is held lets nothing go on', async () => {
  let ended: GatewayError | null = null;
  const standing: Standing = { ...standsAlways(principal), ended: () => (ended === null ? null : { reason: 'revoked', error: ended }) };
  const { promise, resolve } = Promise.withResolvers<null>();
  const settled = gate(policyWith('hold', wait), [{ kind: 'wait', admit: async () => promise }], standing)
    .ask(act, bytes, waits)
    .settle?.(held);
  ended = new GatewayError('unauthenticated', 'The token was revoked.');
  resolve(null);
  assert.deepEqual([(await settled)?.verdict, (await settled)?.reason], ['deny', 'The token was revoked.']);
});

test('policy is asked again when an act that was held may go on: what it looks at may have changed', async () => {
  const gone = async (later: PolicyEngine): Promise<Decision | undefined> => {
    let policy = policyWith('hold', wait);
    const { promise, resolve } = Promise.withResolvers<null>();
    const changing: PolicyEngine = { version: 'v', text: '', decide: (question) => policy.decide(question) };
    const { settle } = gate(changing, [
      { kind: 'wait', admit: async () => promise },
      { kind: 'change', change: () => (text) => text },
    ]).ask(act, bytes, waits);
    const settled = settle?.(held);
    policy = later;
    resolve(null);
    return settled;
  };
  assert.equal((await gone(policyWith('hold', wait)))?.verdict, 'allow');
  assert.equal((await gone(policyWith('allow')))?.verdict, 'allow');
  const denied = await gone(policyWith('deny'));
  assert.deepEqual([denied?.verdict, denied?.policies, denied?.reason], ['deny', ['p'], 'it is a rule']);
  const more = await gone(policyWith('hold', { ...wait, parameters: { groups: 'more' } }));
  assert.deepEqual([more?.verdict, more?.reason], ['deny', 'it is a rule: policy asks for others than when it was held']);
  const masked = await gone(policyWith('allow', { kind: 'change', parameters: {} }));
  assert.equal(masked?.verdict, 'deny', 'the answer would go on unchanged');
  const seen = { name: 'seen', attributes: {} };
  const deciding: PolicyEngine = {
    version: 'v',
    text: '',
    decide: (question) => policyWith(question.action === seen ? 'deny' : 'hold', wait).decide(question),
  };
  const asked = gate(deciding, [{ kind: 'wait', admit: async () => Promise.resolve(null) }]).ask(act, bytes, waits, { again: () => seen });
  assert.equal((await asked.settle?.(held))?.verdict, 'deny', 'policy decides on the act as it is known by then');
});

test('an act that goes on with the answer to another one is refused if policy may change texts there and not here', () => {
  const mask = (policy: string): Obligation => ({ kind: 'change', parameters: { policy } });
  const asked = (resumes: boolean, ...here: readonly Obligation[]): Decision => {
    const policy: PolicyEngine = { ...policyWith('allow', ...here), obligationsOfAny: () => [mask('one'), mask('two'), wait] };
    return gate(policy, [{ kind: 'change', change: () => (text) => text }]).ask({ ...act, resumes }, bytes, waits).decision;
  };
  const { verdict, reason } = asked(true, mask('one'));
  assert.deepEqual([verdict, reason], ['deny', 'it goes on with the answer to another request, in which policy may change texts: send that request again']);
  assert.equal(asked(true, mask('one,two')).verdict, 'allow');
  assert.equal(asked(false).verdict, 'allow');
});
