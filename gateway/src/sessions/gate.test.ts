import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Action } from '../domain/action.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { standsAlways } from '../identity/standing.ts';
import { grantPolicy } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { authorize, type GateContext } from './gate.ts';

const principal: Principal = { id: 'bot', kind: 'agent', groups: [], targets: ['brain'] };
const target: Target = { name: 'brain', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'disk', options: {} };
const bytes = [Buffer.from('x')];

function context(policy: PolicyEngine): GateContext {
  return { policy: () => policy, identity: { principal, tokenId: 'tok_1', standing: standsAlways(principal) }, target };
}

/** Lets through what is known whole and does not speak of `payroll`. */
function silentOnPayroll(): PolicyEngine {
  return {
    version: 'words',
    decide: ({ action }) => {
      const said = action.text?.();
      const isAllowed = said?.isWhole === true && said.pieces.every(({ text }) => !text.includes('payroll'));
      return { verdict: isAllowed ? 'allow' : 'deny', policies: [], policyVersion: 'words', reason: 'words', obligations: [] };
    },
  };
}

test('a policy may decide by what a request says', () => {
  const saying = (text: string, isWhole = true): Action => ({ name: 'any.ask', attributes: {}, text: () => ({ pieces: [{ role: 'user', text }], isWhole }) });
  const decide = (action: Action): string => authorize(context(silentOnPayroll()), action, bytes).decision.verdict;
  assert.equal(decide(saying('hello')), 'allow');
  assert.equal(decide(saying('read the payroll')), 'deny');
  assert.equal(decide(saying('hello', false)), 'deny');
  assert.equal(decide({ name: 'any.ask', attributes: {} }), 'deny');
});

test('grants never ask for the text, so that it costs nothing', () => {
  const action: Action = { name: 'any.ask', attributes: {}, text: () => assert.fail('the text was put together') };
  const authorization = authorize(context(grantPolicy([principal])), action, bytes);
  assert.equal(authorization.grant?.spend(), bytes);
});
