import { GatewayError } from '../domain/errors.ts';
import type { Identity, Standing } from '../domain/principal.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import type { ShownSecret } from '../identity/shown-secret.ts';
import { attempt, identify } from '../sessions/attempt.ts';
import type { Refusals } from '../sessions/refusals.ts';

/** Who talks to the API: the operator on the gateway's own machine, an administrator or auditor by token, or a run. Named in the record of what is done. */
export interface Caller {
  readonly id: string;
  readonly address: string;
  /** Null for the operator, whose credential is a file. */
  readonly standing: Standing | null;
  /** Set when it showed the token of a run, which may have ended: it may act inside that run alone. */
  readonly run?: Identity & { readonly session: string };
  /** Set where everybody may ask: whoever the token speaks for. */
  readonly identity?: Identity;
}

/** Whom an endpoint answers: `runs` or `auditors` beside administrators; `everybody` who has a token. */
export type Callers = 'administrators' | 'runs' | 'auditors' | 'everybody';

/** Principals of this group may use the API with their own token. */
const administrators = 'admins';
/** Those of this one may read what is about nobody: the public log, and how the gateway does. */
const auditors = 'auditors';
/** Who holds the credential in the data directory. */
const operatorId = 'operator';

export interface CallerParts {
  readonly operator: ShownSecret;
  readonly authenticator: Authenticator;
  readonly refusals: Refusals;
}

/** Who asks, by the token that is shown; refusals are recorded and slowed down as those of a login are. Errors: `unauthenticated`, `refused`, `throttled`. */
export async function findCaller(
  parts: CallerParts,
  { token, address }: { readonly token: string; readonly address: string },
  callers: Callers,
): Promise<Caller> {
  const { operator, authenticator, refusals } = parts;
  if (operator.matches(token)) {
    return { id: operatorId, address, standing: null };
  }
  return attempt(refusals, { address, protocol: 'api', isQuestion: token === '' }, async () => {
    const identity = identify(authenticator, token, " Give an administrator's in COUNTERSIGN_TOKEN.");
    const { principal, session, standing } = identity;
    const caller: Caller = { id: principal.id, address, standing };
    if (callers === 'everybody') {
      return { ...caller, identity };
    }
    if (session !== undefined && callers === 'runs') {
      return { ...caller, run: { ...identity, session } };
    }
    if (session !== undefined) {
      throw new GatewayError('refused', 'The token of a run does not speak for an administrator.');
    }
    checkCaller(caller, callers);
    return caller;
  });
}

/** Errors: `unauthenticated` when the caller's credential has ended, `refused` when its principal may not use the API. */
export function checkCaller({ id, standing, run }: Caller, callers: Callers = 'administrators'): void {
  const end = standing?.ended() ?? null;
  if (end !== null) {
    throw end.error;
  }
  const groups = callers === 'auditors' ? [administrators, auditors] : [administrators];
  if (standing !== null && run === undefined && !groups.some((group) => standing.principal.groups.includes(group))) {
    throw new GatewayError('refused', `${id} may not use the API: that takes a token of a principal in the group ${groups.join(' or ')}.`);
  }
}
