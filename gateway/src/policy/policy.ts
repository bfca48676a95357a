import type { Action } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';

interface PolicyRequest {
  readonly principal: Principal;
  readonly target: Target;
  /** The names of targets that the principal's rights are limited to here; undefined: no limit. */
  readonly within?: readonly string[] | undefined;
  /** A policy asks for the action's text only if it is about text: putting it together takes time. */
  readonly action: Action;
}

/** Decides, and does nothing else. A configuration change makes a new one. */
export interface PolicyEngine {
  /** Names this very set of policies; every decision carries it. */
  readonly version: string;
  decide(request: PolicyRequest): Decision;
}
