import type { Action, NamedIds } from '../domain/action.ts';
import type { Authorization, Decision } from '../domain/decision.ts';
import { Grant } from '../domain/grant.ts';
import type { Identity } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import type { IdRefusal } from './ids-of-targets.ts';

/** The policy in force; a configuration change replaces it for the next action of every session. */
export type CurrentPolicy = () => PolicyEngine;

export interface GateContext {
  readonly policy: CurrentPolicy;
  readonly identity: Identity;
  readonly target: Target;
  /** Why these ids may not be named; null when they may. */
  readonly refusalOf?: (ids: NamedIds) => IdRefusal | null;
}

/** Decides on one action and, when it is allowed, mints the only thing that an upstream forwards. */
export function authorize(context: GateContext, action: Action, bytes: readonly Uint8Array[]): Authorization {
  const policy = context.policy();
  const { standing } = context.identity;
  const end = standing.ended();
  if (end !== null) {
    return refuse(policy, end.error.message);
  }
  const refusal = action.ids === undefined ? null : (context.refusalOf?.(action.ids) ?? null);
  if (refusal !== null) {
    const refused = refuse(policy, refusal.reason);
    return { ...refused, decision: { ...refused.decision, answeredAs: refusal.answeredAs } };
  }
  const decision = policy.decide({ principal: standing.principal, target: context.target, within: context.identity.targets, action });
  return decision.verdict === 'allow' ? { decision, grant: new Grant(bytes) } : { decision, grant: null };
}

/** By the gateway itself, whatever policy says. */
function refuse({ version: policyVersion }: PolicyEngine, reason: string): Authorization & { readonly grant: null } {
  return { decision: { verdict: 'deny', policies: ['countersign'], policyVersion, reason, obligations: [] }, grant: null };
}

/** For what the gateway itself must send to carry out a decision; recorded like any request. */
export function authorizeOwn(context: GateContext, bytes: readonly Uint8Array[]): Authorization {
  const decision: Decision = {
    verdict: 'allow',
    policies: ['countersign'],
    policyVersion: context.policy().version,
    reason: 'made by the gateway to carry out a decision',
    obligations: [],
  };
  return { decision, grant: new Grant(bytes) };
}
