import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { grantPolicy } from './grants.ts';
import type { Question } from './policy.ts';
import { noHistory } from './no-history.ts';

const principal = (id: string, targets: readonly string[]): Principal => ({ id, kind: 'agent', groups: [], targets });
const target = (name: string): Target => ({ name, protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'disk', options: {} });
const action = { name: 'any.query', attributes: {} };
const ask = (who: Principal, name: string): Question => ({
  asker: { principal: who, onBehalfOf: null, run: null, within: null, session: null, address: '127.0.0.1', history: noHistory },
  target: target(name),
  action,
  timeMs: 0,
});

test('a principal reaches what it was granted, and nothing else', () => {
  const bot = principal('bot', ['orders']);
  const policy = grantPolicy([bot, principal('ann', ['payroll'])]);
  assert.deepEqual(policy.decide(ask(bot, 'orders')), {
    verdict: 'allow',
    policies: ['grant:bot:orders'],
    policyVersion: policy.version,
    reason: 'bot was granted orders',
    obligations: [],
  });
  const denied = policy.decide(ask(bot, 'payroll'));
  assert.equal(denied.verdict, 'deny');
  assert.deepEqual(denied.policies, []);
  assert.equal(denied.reason, 'bot was not granted payroll');
});

test('a principal that is not of this policy is refused, whatever it carries', () => {
  const gone = principal('gone', ['orders']);
  assert.equal(grantPolicy([]).decide(ask(gone, 'orders')).verdict, 'deny');
});

test('what is granted to a group is granted to its members, and to nobody who only has the name of the group', () => {
  const groups = new Map([['compliance', { targets: ['orders'] }]]);
  const ann = { ...principal('ann', ['orders', 'payroll']), groups: ['compliance'] };
  const policy = grantPolicy([ann, principal('compliance', [])], groups);
  assert.deepEqual(policy.decide(ask(ann, 'orders')).policies, ['grant:group compliance:orders']);
  assert.deepEqual(policy.decide(ask(ann, 'payroll')).policies, ['grant:ann:payroll']);
  const stranger = { ...principal('corp/ann@corp.example', []), groups: ['compliance'] };
  assert.equal(policy.decide(ask(stranger, 'orders')).verdict, 'allow');
  assert.equal(policy.decide(ask(stranger, 'payroll')).verdict, 'deny');
  assert.equal(policy.decide(ask(principal('compliance', []), 'orders')).verdict, 'deny');
  assert.match(policy.text ?? '', /permit \(principal in Group::"compliance", action, resource == Target::"orders"\);/);
  assert.notEqual(policy.version, grantPolicy([ann]).version);
});

test('the same allowed request gets the very same decision, so that it can be printed once', () => {
  const bot = principal('bot', ['orders']);
  const policy = grantPolicy([bot]);
  const request = ask(bot, 'orders');
  assert.equal(policy.decide(request), policy.decide(request));
});

test('the version names the grants, in whatever order they are written', () => {
  const version = (...principals: Principal[]): string => grantPolicy(principals).version;
  const [a, b] = [principal('a', ['x', 'y']), principal('b', ['x'])];
  assert.equal(version(a, b), version(b, principal('a', ['y', 'x'])));
  assert.notEqual(version(a, b), version(a));
  assert.notEqual(version(a, b), version(principal('a', ['x']), principal('b', ['x', 'y'])));
});
