import { createHash } from 'node:crypto';
import type { Decision } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { PolicyEngine } from './policy.ts';

/** The policy of the configuration's grants: a principal reaches the targets it was granted, and nothing else. */
export function grantPolicy(principals: readonly Principal[]): PolicyEngine {
  const version = digest(principals);
  const granted = new Map<string, Decision>();
  for (const principal of principals) {
    for (const target of principal.targets) {
      granted.set(key(principal.id, target), allow(version, principal.id, target));
    }
  }
  return {
    version,
    obligations: [],
    text: principals.flatMap(({ id, targets }) => targets.map((target) => printGrant(id, target))).join(''),
    decide: ({ asker: { principal, within }, target }) =>
      within?.includes(target.name) === false
        ? deny(version, `this run of ${principal.id} was not given ${target.name}`)
        : (granted.get(key(principal.id, target.name)) ?? deny(version, `${principal.id} was not granted ${target.name}`)),
  };
}

/** Returns a grant as the permit that it is. */
function printGrant(principal: string, target: string): string {
  const [who, what] = [JSON.stringify(principal), JSON.stringify(target)];
  return `@id(${JSON.stringify(`grant:${principal}:${target}`)})\npermit (principal == Principal::${who}, action, resource == Target::${what});\n`;
}

function key(principal: string, target: string): string {
  return `${principal}\0${target}`;
}

function allow(policyVersion: string, principal: string, target: string): Decision {
  return {
    verdict: 'allow',
    policies: [`grant:${principal}:${target}`],
    policyVersion,
    reason: `${principal} was granted ${target}`,
    obligations: [],
  };
}

function deny(policyVersion: string, reason: string): Decision {
  return {
    verdict: 'deny',
    policies: [],
    policyVersion,
    reason,
    obligations: [],
  };
}

function digest(principals: readonly Principal[]): string {
  const grants = principals.flatMap(({ id, targets }) => targets.map((target) => key(id, target))).toSorted((a, b) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(grants)).digest('hex').slice(0, 16);
}
