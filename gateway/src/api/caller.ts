import { GatewayError } from '../domain/errors.ts';
import type { Identity, Standing } from '../domain/principal.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { ShownSecret } from '../identity/shown-secret.ts';
import { attempt, identify } from '../sessions/attempt.ts';
import type { Refusals } from '../sessions/refusals.ts';

/** The caller of the API: the operator on the gateway's own machine, an administrator or auditor with a token, or a run. The record of an act names it. */
export interface Caller {
  readonly id: string;
  readonly address: string;
  /** Null for the operator, whose credential is a file and never ends. */
  readonly standing: Standing | null;
  /** Set if the caller presented the token of a run, which may have ended. Such a caller may act only inside that run. */
  readonly run?: Identity & { readonly session: string };
  /** The identity of the token. Set only by endpoints that answer everybody. */
  readonly identity?: Identity;
}

/** The callers that an endpoint answers besides administrators: `runs`, `auditors`, or `everybody` who has a token. */
export type Callers = 'administrators' | 'runs' | 'auditors' | 'everybody';

/** Principals of this group may use the whole API with their own token. */
export const administrators = 'admins';
/** Principals of this group may read what concerns no person: the public log and the gateway's metrics. */
const auditors = 'auditors';
/** The id of a caller that presents the credential of the data directory. */
const operatorId = 'operator';

export interface CallerParts {
  readonly operator: ShownSecret;
  readonly authenticator: Authenticator;
  readonly refusals: Refusals;
}

/**
 * Finds the caller by the token that it presents. Refusals are recorded and slowed down like those of a login. Rejects with GatewayError `unauthenticated`,
 * `refused` or `throttled`.
 */
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
    const identity = await identify(authenticator, token, " Give an administrator's in COUNTERSIGN_TOKEN.");
    const { principal, session, standing } = identity;
    const caller: Caller = { id: principal.id, address, standing };
    if (callers === 'everybody') {
      return { ...caller, identity };
    }
    if (session !== undefined && callers === 'runs') {
      return { ...caller, run: { ...identity, session } };
    }
    if (session !== undefined) {
      throw new GatewayError('refused', 'The token of a run cannot be used as that of an administrator.');
    }
    checkCaller(caller, callers);
    return caller;
  });
}

/** Throws GatewayError `unauthenticated` if the caller's credential has ended, `refused` if its principal may not use the API. */
export function checkCaller({ id, standing, run }: Caller, callers: Callers = 'administrators'): void {
  const end = standing?.ended() ?? null;
  if (end !== null) {
    throw end.error;
  }
  const groups = callers === 'auditors' ? [administrators, auditors] : [administrators];
  if (standing !== null && run === undefined && !groups.some((group) => standing.principal.groups.includes(group))) {
    throw new GatewayError('refused', `${id} may not use the API: that needs a token of a principal in the group ${groups.join(' or ')}.`);
  }
}
