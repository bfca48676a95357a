import type { Action } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';

interface PolicyRequest {
  readonly principal: Principal;
  readonly target: Target;
  /** Of what the principal may do, only what is done at one of these; undefined: all. */
  readonly within?: readonly string[] | undefined;
  /** Its text only when a policy is about text: putting it together takes time. */
  readonly action: Action;
}

/** Decides, and does nothing else. A configuration change makes a new one. */
export interface PolicyEngine {
  /** Names this very set of policies; every decision carries it. */
  readonly version: string;
  decide(request: PolicyRequest): Decision;
}
