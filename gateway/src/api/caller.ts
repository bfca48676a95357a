import { isDeepStrictEqual } from 'node:util';
import { allRights, mayDo, rightsOf, type Right } from '../access/rights.ts';
import { acts, rolesOf, type Act, type Role } from '../access/roles.ts';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Identity, Standing } from '../domain/principal.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { ShownSecret } from '../identity/shown-secret.ts';
import { attempt, identify } from '../sessions/attempt.ts';
import type { Refusals } from '../sessions/refusals.ts';

/** The caller of the API: the operator on the gateway's own machine, a principal with a token, or a run. The record of an act names it. */
export interface Caller {
  readonly id: string;
  readonly address: string;
  /** Null for the operator, whose credential is a file and never ends. */
  readonly standing: Standing | null;
  readonly rights: readonly Right[];
  /** Throws GatewayError `unauthenticated` if the credential has ended, `refused` if the caller has other roles by now. */
  readonly check: () => void;
  /** Set if the caller presented the token of a run, which may have ended. Such a caller may act only inside that run. */
  readonly run?: Identity & { readonly session: string };
  /** The identity of the token. Set only by endpoints that answer everybody. */
  readonly identity?: Identity;
}

/** The callers that an endpoint answers: those whose roles allow an act; `runs` and administrators; `auditors` and administrators; or `everybody` who has a token. */
export type Callers = Act | 'runs' | 'auditors' | 'everybody';

/** Principals of this group may read what concerns no person: the public log and the gateway's metrics. */
const auditors = 'auditors';
/** The id of a caller that presents the credential of the data directory. */
const operatorId = 'operator';

export interface CallerParts {
  readonly operator: ShownSecret;
  readonly authenticator: Authenticator;
  readonly refusals: Refusals;
  readonly roles: () => readonly Role[];
}

/** A request for which a caller is to be found. `asked` says for what, in the record of a refusal. */
interface Shown {
  readonly token: string;
  readonly address: string;
  readonly asked: Attributes;
}

/**
 * Finds the caller by the token that it presents. Refusals are recorded and slowed down like those of a login. Rejects with GatewayError `unauthenticated`,
 * `refused` or `throttled`.
 */
export async function findCaller(parts: CallerParts, { token, address, asked }: Shown, callers: Callers): Promise<Caller> {
  const { operator, authenticator, refusals, roles } = parts;
  if (operator.matches(token)) {
    return { id: operatorId, address, standing: null, rights: allRights, check: () => undefined };
  }
  const identity = await attempt(refusals, { address, protocol: 'api', isQuestion: token === '' }, async () =>
    identify(authenticator, token, " Give an administrator's in COUNTERSIGN_TOKEN."),
  );
  const { principal, session, standing } = identity;
  const held = (): readonly Role[] => (session === undefined ? rolesOf(roles(), standing.principal, Date.now()) : []);
  const before = held();
  const check = (): void => {
    const end = standing.ended();
    if (end !== null) {
      throw end.error;
    }
    if (!isDeepStrictEqual(held(), before)) {
      throw new GatewayError('refused', `The roles of ${principal.id} have changed. Ask again.`);
    }
  };
  const caller: Caller = { id: principal.id, address, standing, rights: rightsOf(before, principal.id, Date.now()), check };
  if (callers === 'everybody') {
    return { ...caller, identity };
  }
  if (session !== undefined && callers === 'runs') {
    return { ...caller, run: { ...identity, session } };
  }
  const refused = refusalOf(caller, callers, session !== undefined);
  if (refused !== null) {
    return refusals.refuse({ address, protocol: 'api', error: new GatewayError('refused', refused), attributes: { 'user.id': principal.id, ...asked } });
  }
  check();
  return caller;
}

/** Returns why a caller is not answered; null: it is. */
function refusalOf({ id, standing, rights }: Caller, callers: Exclude<Callers, 'everybody'>, isRun: boolean): string | null {
  if (isRun) {
    return 'The token of a run cannot be used as that of an administrator.';
  }
  if (mayDo(rights, callers === 'runs' || callers === 'auditors' ? 'administer' : callers)) {
    return null;
  }
  if (callers === 'auditors') {
    return standing?.principal.groups.includes(auditors) === true
      ? null
      : `${id} may not use the API: that needs a member of the group ${auditors}, or an administrator.`;
  }
  return `${id} may not ${acts[callers === 'runs' ? 'administer' : callers]}: that needs a role that allows it.`;
}
