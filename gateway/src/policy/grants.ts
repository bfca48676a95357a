import { createHash } from 'node:crypto';
import type { Decision } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { PolicyEngine } from './policy.ts';
import { actionsTogether, type PolicyShare } from './possible-access.ts';

/** The targets that are granted to the members of each group. */
export type GroupGrants = ReadonlyMap<string, { readonly targets: readonly string[] }>;

/** The policy of the configuration's grants: a principal reaches the targets that it and its groups were granted, and nothing else. */
export function grantPolicy(principals: readonly Principal[], groups: GroupGrants = new Map()): PolicyEngine {
  const own = principals.map(({ id, groups: member, targets }) => {
    const ofGroups = new Set(member.flatMap((group) => groups.get(group)?.targets ?? []));
    return { id, targets: targets.filter((target) => !ofGroups.has(target)) };
  });
  const shared = Array.from(groups, ([id, { targets }]) => ({ id, targets }));
  const version = digest(own, shared);
  const granted = new Map<string, Decision>();
  const grantedToGroups = new Map<string, Decision>();
  for (const { id, targets } of own) {
    for (const target of targets) {
      granted.set(key(id, target), allow(version, `grant:${id}:${target}`, `${id} was granted ${target}`));
    }
  }
  for (const { id, targets } of shared) {
    for (const target of targets) {
      grantedToGroups.set(key(id, target), allow(version, `grant:group ${id}:${target}`, `the group ${id} was granted ${target}`));
    }
  }
  const ofGroups = ({ groups: member }: Pick<Principal, 'groups'>, target: string): Decision | undefined => {
    for (const group of member) {
      const decision = grantedToGroups.get(key(group, target));
      if (decision !== undefined) {
        return decision;
      }
    }
    return undefined;
  };
  return {
    version,
    obligations: [],
    text: [
      ...own.flatMap(({ id, targets }) => targets.map((target) => printGrant(`grant:${id}:${target}`, `== Principal::${JSON.stringify(id)}`, target))),
      ...shared.flatMap(({ id, targets }) => targets.map((target) => printGrant(`grant:group ${id}:${target}`, `in Group::${JSON.stringify(id)}`, target))),
    ].join(''),
    decide: ({ asker: { principal, within }, target }) =>
      within?.includes(target.name) === false
        ? deny(version, `this run of ${principal.id} was not given ${target.name}`)
        : (granted.get(key(principal.id, target.name)) ?? ofGroups(principal, target.name) ?? deny(version, `${principal.id} was not granted ${target.name}`)),
    accessTo: async ({ asker, target: { name }, actions }) => {
      const decision = granted.get(key(asker.id ?? '', name)) ?? ofGroups(asker, name);
      return actionsTogether(new Map(actions.map((action) => [action, (decision?.policies ?? []).map(shareOf)])));
    },
  };
}

function shareOf(policy: string): PolicyShare {
  return { policy, effect: 'permit', applies: 'always', when: null, approval: [], isLimiting: false, mayFail: false };
}

/** Returns a grant as the permit that it is. */
function printGrant(id: string, who: string, target: string): string {
  return `@id(${JSON.stringify(id)})\npermit (principal ${who}, action, resource == Target::${JSON.stringify(target)});\n`;
}

function key(principal: string, target: string): string {
  return `${principal}\0${target}`;
}

function allow(policyVersion: string, policy: string, reason: string): Decision {
  return { verdict: 'allow', policies: [policy], policyVersion, reason, obligations: [] };
}

function deny(policyVersion: string, reason: string): Decision {
  return { verdict: 'deny', policies: [], policyVersion, reason, obligations: [] };
}

interface Granted {
  readonly id: string;
  readonly targets: readonly string[];
}

function digest(own: readonly Granted[], shared: readonly Granted[]): string {
  const keys = (grants: readonly Granted[]): string[] => grants.flatMap(({ id, targets }) => targets.map((target) => key(id, target))).toSorted();
  return createHash('sha256')
    .update(JSON.stringify(shared.some(({ targets }) => targets.length > 0) ? [keys(own), keys(shared)] : keys(own)))
    .digest('hex')
    .slice(0, 16);
}
