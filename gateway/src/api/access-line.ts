import { z } from 'zod';
import type { Directory } from '../domain/issuer.ts';
import { localPrincipal } from '../domain/local-administrator.ts';
import type { Target } from '../domain/target.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { accessOf, type ActionAccess, type PossibleAsker } from '../policy/possible-access.ts';
import { actionNames, connectActionName } from '../policy/vocabulary.ts';

const access = z
  .enum(['allowed', 'conditional', 'held', 'denied'])
  .describe('`allowed`: whatever the request is. `conditional`: some may be allowed. `held`: none is allowed without people. `denied`: none is.');

const policyShare = z
  .object({
    policy: z.string().describe('The id of the policy or the grant, as decisions name it.'),
    effect: z.enum(['permit', 'forbid']),
    applies: z.enum(['always', 'sometimes']).describe('`sometimes`: to requests that are as `when` says, and perhaps to none.'),
    when: z.string().nullable().describe('What must hold of a request, in Cedar. Null: nothing, or it cannot be said.'),
    approval: z.array(z.string()).readonly().describe('The groups of which people approve what it forbids. Empty: nobody does.'),
    isLimiting: z.boolean().describe('True: a limit counts what it applies to, and denies more.'),
    mayFail: z.boolean().describe('True: it may fail on a request, which is then denied.'),
  })
  .meta({ id: 'PolicyShare', description: 'A policy that has a say in what somebody may do at a target, or a grant.' });

export const accessLine = z
  .object({
    principal: z.string().nullable().describe('Null: any of the people whom issuers vouch for, with exactly these groups.'),
    kind: z.enum(['human', 'agent']).nullable().describe('Null: either.'),
    groups: z.array(z.string()).readonly(),
    target: z.string(),
    protocol: z.string(),
    access: access.describe('The access to the target as a whole: `denied`, if nobody gets as far as to a request.'),
    isObserved: z.boolean().describe('True: policies are observed at the target, and only grants decide.'),
    actions: z
      .array(
        z.object({
          names: z.array(z.string()).readonly(),
          isRest: z.boolean().describe('True: these are all actions that no entry before it has.'),
          access,
          verdicts: z
            .array(z.enum(['allow', 'hold', 'deny']))
            .readonly()
            .describe('The verdicts that a request may have. It has no other.'),
          policies: z.array(policyShare).readonly(),
        }),
      )
      .readonly()
      .describe('The actions of the target. Those of which policies say the same come together, the most of them last.'),
  })
  .meta({
    id: 'AccessLine',
    description: 'What somebody may do at a target by the policies in force, whatever the requests are. Suspensions and the limits of runs are besides.',
  });

/** Says what somebody may do at a target: one line of `principal access --json`. */
export type AccessLine = Readonly<z.output<typeof accessLine>>;

/** The parts that say who may do what where. */
export interface AccessParts {
  readonly policy: () => PolicyEngine;
  readonly targets: () => ReadonlyMap<string, Target>;
  readonly directory: () => Directory;
  readonly findProtocol: FindProtocol;
}

/** Returns a principal as far as it is known. `known` is one that an issuer vouched for; absent: none. `groups` count in place of those that are known. */
export function askerOf({ directory }: Pick<AccessParts, 'directory'>, id: string, known?: PossibleAsker, groups?: readonly string[]): PossibleAsker {
  const found = directory().principals.get(id) ?? localPrincipal(id) ?? known ?? { kind: null, groups: [] };
  return { id, kind: found.kind, groups: groups ?? found.groups };
}

/** Returns who might ask at all: each principal of the configuration, then people of issuers by each group that their tokens name, then those in no group. */
export function possibleAskers({ directory }: Pick<AccessParts, 'directory'>): readonly PossibleAsker[] {
  const { principals, groups, issuers } = directory();
  const members = [...groups].flatMap(([name, group]) => (group.issuers.length === 0 ? [] : [{ id: null, kind: null, groups: [name] }]));
  return [...principals.values(), ...members, ...(issuers.size === 0 ? [] : [{ id: null, kind: null, groups: [] }])];
}

/** Yields what each of these may do at each target. Every line is of the policies that are in force when it is made. */
export async function* accessLines(parts: AccessParts, askers: readonly PossibleAsker[], targets: readonly Target[]): AsyncGenerator<AccessLine> {
  for (const asker of askers) {
    for (const target of targets) {
      const protocol = parts.findProtocol(target.protocol);
      if (protocol !== undefined) {
        const found = (await parts.policy().accessTo?.({ asker, target, actions: actionNames(protocol) })) ?? [];
        yield lineOf(asker, target, found);
      }
    }
  }
}

function lineOf({ id, kind, groups }: PossibleAsker, { name, protocol, mode }: Target, found: readonly ActionAccess[]): AccessLine {
  const connecting = found.find(({ actions }) => actions.includes(connectActionName(protocol)));
  const verdicts = new Set(found.flatMap((each) => each.verdicts));
  const mayConnect = connecting !== undefined && accessOf(connecting.verdicts) !== 'denied';
  return {
    principal: id,
    kind,
    groups,
    target: name,
    protocol,
    access: mayConnect ? accessOf([...verdicts]) : 'denied',
    isObserved: mode === 'observe',
    actions: found
      .toSorted((one, other) => one.actions.length - other.actions.length)
      .map(({ actions, verdicts: each, policies }, i) => ({
        names: actions,
        isRest: i === found.length - 1,
        access: accessOf(each),
        verdicts: each,
        policies,
      })),
  };
}
