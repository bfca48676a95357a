import { isDeepStrictEqual } from 'node:util';
import type { Openings } from '../access/openings.ts';
import { allRights, forbiddenTo, mayDo, scopeOf, withoutGuarded, type Right } from '../access/rights.ts';
import { acts, type Act } from '../domain/recording-acts.ts';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import type { FreshAct } from '../domain/issuer.ts';
import type { RecordingRules } from '../domain/recording-rules.ts';
import type { Identity, Standing } from '../domain/principal.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { ShownSecret } from '../identity/shown-secret.ts';
import { both, everything, except, type Query } from '../query/query.ts';
import { rulingOn } from './recorded-acts.ts';
import { heldBy, noRules, rightsHeld, type Held } from './held-rights.ts';
import type { ApiParts } from './parts.ts';
import { attempt, identify } from '../sessions/attempt.ts';
import type { Refusals } from '../sessions/refusals.ts';

/** The caller of the API: the operator on the gateway's own machine, a principal with a token, or a run. The record of an act names it. */
export interface Caller {
  readonly id: string;
  /** For whom the caller acts; null: for nobody else. */
  readonly onBehalfOf: string | null;
  readonly address: string;
  /** Null for the operator, whose credential is a file and never ends. */
  readonly standing: Standing | null;
  readonly rights: readonly Right[];
  /** The rules of policies for the caller. The rights take them into account. */
  readonly rules: RecordingRules;
  /** The records whose content the caller may read, some of them only together with a second person. */
  readonly contentOfTwo: Query;
  /** The records whose content the caller may read without a second person, if the caller may read it. */
  readonly contentAlone: Query;
  /** Throws GatewayError `unauthenticated` if the credential has ended, `refused` if the caller has other roles by now. */
  readonly check: () => void;
  /** Throws GatewayError `sign_in_again` if the person must have signed in a shorter time ago for an act. */
  readonly requireFresh: (act: FreshAct) => void;
  /** Set if the caller presented the token of a run, which may have ended. Such a caller may act only inside that run. */
  readonly run?: Identity & { readonly session: string };
  /** The identity of the token. Set only by endpoints that answer everybody. */
  readonly identity?: Identity;
  /** The session of the browser that asks. Set only by endpoints that answer everybody. */
  readonly browser?: string;
}

/** The callers that an endpoint answers: those whose roles allow an act; `runs` and administrators; `auditors` and administrators; `keepers`, who are these and those who set holds or erase; or `everybody` who has a token. */
export type Callers = Act | 'runs' | 'auditors' | 'keepers' | 'everybody';

/** Principals of this group may read what concerns no person: the public log, the gateway's metrics, the classes of keeping. */
const auditors = 'auditors';
/** The id of a caller that presents the credential of the data directory. */
const operatorId = 'operator';

export interface CallerParts extends Pick<ApiParts, 'roles' | 'policy'> {
  readonly operator: ShownSecret;
  readonly authenticator: Authenticator;
  readonly refusals: Refusals;
  /** The classes of which nobody reads content alone, and what second persons have opened. */
  readonly guardedClasses: () => readonly string[];
  readonly openings: Openings;
  /** For an act, how long ago a person with an account at an issuer may have signed in, in ms. */
  readonly fresh: () => ReadonlyMap<FreshAct, number>;
}

/** A request for which a caller is to be found. `asked` says for what, in the record of a refusal. */
interface Shown {
  readonly token: string;
  /** As `ShownToken` has it. */
  readonly madeMs?: number;
  /** When the person signed in whose browser has the token, in milliseconds since 1970. Null: nobody knows. Absent: it is no browser's, and says that itself. */
  readonly signedInMs?: number | null;
  /** The session of the browser. */
  readonly browser?: string;
  /** Throws GatewayError `unauthenticated` if that session has ended. */
  readonly checkBrowser?: () => void;
  readonly address: string;
  readonly asked: Attributes;
}

/**
 * Finds the caller by the token that it presents. Refusals are recorded and slowed down like those of a login. Rejects with GatewayError `unauthenticated`,
 * `refused` or `throttled`.
 */
export async function findCaller(
  parts: CallerParts,
  { token, madeMs, signedInMs, browser, checkBrowser, address, asked }: Shown,
  callers: Callers,
): Promise<Caller> {
  const { operator, authenticator, refusals, fresh, guardedClasses, openings } = parts;
  if (operator.matches(token)) {
    return {
      id: operatorId,
      onBehalfOf: null,
      address,
      standing: null,
      rights: allRights,
      rules: noRules,
      contentOfTwo: everything,
      contentAlone: everything,
      check: () => undefined,
      requireFresh: () => undefined,
    };
  }
  const identity = await attempt(refusals, { address, protocol: 'api', isQuestion: token === '' }, async () =>
    identify(authenticator, { token, ...(madeMs === undefined ? {} : { madeMs }) }, " Give an administrator's in COUNTERSIGN_TOKEN."),
  );
  const { principal, session, standing } = identity;
  const onBehalfOf = identity.onBehalfOf ?? null;
  const held = (): Held => (session === undefined ? heldBy(parts, { principal: standing.principal, onBehalfOf, address }) : { roles: [], rules: noRules });
  const guard = (): Parameters<typeof withoutGuarded>[1] => ({ classes: guardedClasses(), opened: openings.openFor(principal.id) });
  const [before, guarded] = [held(), guard()];
  const check = (): void => {
    const end = standing.ended();
    if (end !== null) {
      throw end.error;
    }
    checkBrowser?.();
    const now = held();
    if (!isDeepStrictEqual([now.roles, now.rules.rules, guard()], [before.roles, before.rules.rules, guarded])) {
      throw new GatewayError('refused', `What ${principal.id} may do with recordings has changed. Ask again.`);
    }
  };
  const staleness = stalenessOf({ ...identity, ...(signedInMs === undefined ? {} : { signedInMs }) }, fresh());
  const requireFresh = (act: FreshAct): void => {
    const stale = staleness(act);
    if (stale !== null) {
      throw stale;
    }
  };
  const all = rightsHeld(before, principal.id);
  // Without a fresh sign-in, facts are shown without content.
  const current = all.map(({ may, scope }) => ({ may: may.filter((act) => staleness(act) === null), scope }));
  const caller: Caller = {
    id: principal.id,
    onBehalfOf,
    address,
    standing,
    rights: withoutGuarded(current, guarded),
    rules: before.rules,
    contentOfTwo: scopeOf(current, 'content'),
    contentAlone: both([scopeOf(withoutGuarded(allRights, guarded), 'content'), except(forbiddenTo(principal.id, before.rules, 'content'))]),
    check,
    requireFresh,
  };
  if (callers === 'everybody') {
    return { ...caller, identity, ...(browser === undefined ? {} : { browser }) };
  }
  if (session !== undefined && callers === 'runs') {
    return { ...caller, run: { ...identity, session } };
  }
  const refused = refusalOf({ ...caller, rights: all }, callers, session !== undefined);
  const error = refused === null ? staleness(callers) : new GatewayError('refused', refused);
  if (error !== null) {
    return refusals.refuse({ address, protocol: 'api', principal: principal.id, error, attributes: asked, ...rulingOn(before.rules, [actOf(callers)]) });
  }
  check();
  return caller;
}

/**
 * Returns a function that says for an act why a person must sign in again; null if that is not needed. Agents do not sign in, and tokens of the gateway are made by
 * who may make them.
 */
function stalenessOf({ principal: { kind }, signedInMs }: Identity, fresh: ReadonlyMap<string, number>): (act: string) => GatewayError | null {
  return (act) => {
    const limitMs = signedInMs === undefined || kind === 'agent' ? undefined : fresh.get(act);
    return limitMs === undefined || Date.now() - (signedInMs ?? -Infinity) <= limitMs
      ? null
      : new GatewayError(
          'sign_in_again',
          `This needs a sign-in of the last ${Math.ceil(limitMs / 60_000)} min: countersign login --fresh, or in a browser /sign-in?fresh.`,
        );
  };
}

/** Why an act is refused that no role and no permit allows, be it only at this time or from this address. */
export const noRight = 'that needs a role, or a permit of a policy, that holds now.';

/** Returns why a caller is not answered; null: it is. */
function refusalOf({ id, standing, rights, rules: { rules } }: Caller, callers: Exclude<Callers, 'everybody'>, isRun: boolean): string | null {
  if (isRun) {
    return 'The token of a run cannot be used as that of an administrator.';
  }
  const act = actOf(callers);
  if (mayDo(rights, act)) {
    return null;
  }
  if (callers === 'auditors' || callers === 'keepers') {
    const what = callers === 'auditors' ? 'read the log and the metrics' : 'read what is held and erased';
    return standing?.principal.groups.includes(auditors) === true || (callers === 'keepers' && (mayDo(rights, 'hold') || mayDo(rights, 'erase')))
      ? null
      : `${id} may not ${what}: that needs a member of the group ${auditors}, or an administrator.`;
  }
  const reason = rules.find((rule) => rule.act === act)?.reason ?? noRight;
  return `${id} may not ${acts[act]}: ${reason}`;
}

function actOf(callers: Exclude<Callers, 'everybody'>): Act {
  return callers === 'runs' || callers === 'auditors' || callers === 'keepers' ? 'administer' : callers;
}
