import type { Action } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';

/** Who asks. The same for all that is asked on one channel, until the configuration changes. */
export interface Asker {
  /** With its groups, as the configuration has it now. */
  readonly principal: Principal;
  /** Another principal for whom it acts; null: for itself. */
  readonly onBehalfOf: string | null;
  /** The session of the run whose token was shown; null: the token is no run's. */
  readonly run: string | null;
  /** Names of the targets that the run was given. Of what the principal may do, only what is done at one of these; null: all. */
  readonly within: readonly string[] | null;
  /** The session in which it is asked; null while there is none yet. */
  readonly session: string | null;
  /** The client's address, without a port. */
  readonly address: string;
}

/** What policy is asked. */
export interface Question {
  readonly asker: Asker;
  readonly target: Target;
  /** Ask for its text only when a policy is about text: putting it together takes time. */
  readonly action: Action;
  /** Milliseconds since 1970, UTC. */
  readonly timeMs: number;
}

/** Decides, and does nothing else. A configuration change makes a new one. */
export interface PolicyEngine {
  /** Names this very set of policies; every decision carries it. */
  readonly version: string;
  decide(question: Question): Decision;
}
