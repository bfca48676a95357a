import type { Verdict } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';

/** Somebody who may ask, by what is known of them beforehand. */
export interface PossibleAsker {
  /** Null: it is one of many people, of whom only the groups are known. */
  readonly id: string | null;
  /** Null: it may be either. */
  readonly kind: Principal['kind'] | null;
  readonly groups: readonly string[];
}

/** The question what somebody may do at a target, whatever the requests are. `actions` are the names of the actions that are asked about. */
export interface AccessQuestion {
  readonly asker: PossibleAsker;
  readonly target: Target;
  readonly actions: readonly string[];
}

/** A policy that has a say in an action, or a grant. */
export interface PolicyShare {
  /** The id of the policy, as decisions name it. */
  readonly policy: string;
  readonly effect: 'permit' | 'forbid';
  /** `always`: it applies to every request. `sometimes`: to those that are as `when` says, and perhaps to none. */
  readonly applies: 'always' | 'sometimes';
  /** The condition that must hold of a request, in Cedar. Null: there is none, or it cannot be said. */
  readonly when: string | null;
  /** The groups whose members approve what it forbids. Empty: nobody does. */
  readonly approval: readonly string[];
  /** True if a limit counts what it applies to, and more than that is denied. */
  readonly isLimiting: boolean;
  /** True if it may fail on a request. Then the request is denied. */
  readonly mayFail: boolean;
}

/** The possible outcomes of a request for some actions, with the policies that have a say. */
export interface ActionAccess {
  readonly actions: readonly string[];
  /** No request for one of these actions has another verdict. If there are several, it may be that there is no request with one of them. */
  readonly verdicts: readonly Verdict[];
  readonly policies: readonly PolicyShare[];
}

/** In short: `allowed`, whatever the request is; `conditional`; `held` where it is not denied; `denied`, whatever the request is. */
export type Access = 'allowed' | 'conditional' | 'held' | 'denied';

export function accessOf(verdicts: readonly Verdict[]): Access {
  if (!verdicts.includes('allow')) {
    return verdicts.includes('hold') ? 'held' : 'denied';
  }
  return verdicts.length === 1 ? 'allowed' : 'conditional';
}

/** Puts together what policies say of each action. Actions of which they say the same come together. */
export function actionsTogether(shares: ReadonlyMap<string, readonly PolicyShare[]>): readonly ActionAccess[] {
  const found = new Map<string, { readonly actions: string[]; readonly policies: readonly PolicyShare[] }>();
  for (const [action, policies] of shares) {
    const key = JSON.stringify(policies);
    const same = found.get(key) ?? { actions: [], policies };
    same.actions.push(action);
    found.set(key, same);
  }
  return Array.from(found.values(), ({ actions, policies }) => ({ actions, verdicts: verdictsOf(policies), policies }));
}

/** Returns the verdicts that these policies may come to, by the rules by which `CedarPolicy` decides. */
function verdictsOf(policies: readonly PolicyShare[]): readonly Verdict[] {
  const permits = policies.filter(({ effect }) => effect === 'permit');
  const forbids = policies.filter(({ effect }) => effect === 'forbid');
  const denials = forbids.filter(({ approval }) => approval.length === 0);
  const isAlways = ({ applies }: PolicyShare): boolean => applies === 'always';
  const mayPass = permits.length > 0 && !denials.some(isAlways);
  const mayBe: Readonly<Record<Verdict, boolean>> = {
    allow: mayPass && !forbids.some(isAlways),
    hold: mayPass && forbids.length > denials.length,
    deny: !permits.some(isAlways) || denials.length > 0 || policies.some(({ isLimiting, mayFail }) => isLimiting || mayFail),
  };
  return (['allow', 'hold', 'deny'] as const).filter((verdict) => mayBe[verdict]);
}
