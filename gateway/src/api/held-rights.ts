import { isIP } from 'node:net';
import { actBeyond, rightsOf, scopeOf, ruledRights, withoutGuarded, type Right } from '../access/rights.ts';
import { rolesOf, type Role } from '../access/roles.ts';
import type { Principal } from '../domain/principal.ts';
import type { Act } from '../domain/recording-acts.ts';
import type { RecordingRules } from '../domain/recording-rules.ts';
import { isNothing } from '../query/query.ts';
import type { Caller } from './caller.ts';
import type { Circumstances } from '../policy/policy.ts';
import type { ApiParts } from './parts.ts';

/** Nothing that policies say. */
export const noRules: RecordingRules = { rules: [], policyVersion: '' };

const loopback = '127.0.0.1';

/** The roles of a principal at some time, and the rules of policies for it. */
export interface Held {
  readonly roles: readonly Role[];
  readonly rules: RecordingRules;
}

/** Somebody who asks for acts with recordings. `address` is an IP address, or the name of the socket on the gateway's own machine. */
interface Holder {
  readonly principal: Principal;
  readonly onBehalfOf: string | null;
  readonly address: string;
}

/** Returns what somebody holds now. */
export function heldBy({ roles, policy }: Pick<ApiParts, 'roles' | 'policy'>, holder: Holder): Held {
  const timeMs = Date.now();
  return { roles: rolesOf(roles(), holder.principal, timeMs), rules: policy().recordingRules?.({ asker: askerOf(holder), timeMs }) ?? noRules };
}

/** Returns an act with recordings that a principal may do now and from the address of the caller, who may not do it with the same records; null if there is none. */
export function actNowBeyond(parts: Pick<ApiParts, 'roles' | 'policy'>, principal: Principal, { address, rights }: Caller): Act | null {
  return actBeyond(rightsHeld(heldBy(parts, { principal, onBehalfOf: null, address }), principal.id), rights);
}

/**
 * Returns an act with recordings that a principal may do at some time, from some address, while the caller may not do it with the same records; null if there is none.
 * It is what the caller would gain with a token of the principal.
 */
export function actEverBeyond(
  { roles, policy, guardedClasses }: Pick<ApiParts, 'roles' | 'policy' | 'guardedClasses'>,
  principal: Principal,
  { standing, onBehalfOf, address }: Caller,
): Act | null {
  if (standing === null) {
    return null;
  }
  const one = askerOf({ principal, onBehalfOf: null, address });
  const other = askerOf({ principal: standing.principal, onBehalfOf, address });
  const apart = policy().recordingRulesApart?.(one, other) ?? [{ one: noRules, other: noRules }];
  const guarded = { classes: guardedClasses(), opened: [] };
  const nowMs = Date.now();
  // Between these times nobody has other roles.
  const times = [nowMs, ...roles().flatMap(({ expiresMs }) => (expiresMs === null || expiresMs <= nowMs ? [] : [expiresMs]))];
  for (const timeMs of times) {
    for (const rules of apart) {
      const rightsAt = (who: Principal, ruled: RecordingRules): readonly Right[] =>
        rightsHeld({ roles: rolesOf(roles(), who, timeMs), rules: ruled }, who.id, nowMs);
      const beyond = actBeyond(rightsAt(principal, rules.one), withoutGuarded(rightsAt(standing.principal, rules.other), guarded));
      if (beyond !== null) {
        return beyond;
      }
    }
  }
  return null;
}

/** The acts for which a second person is needed: one opens content to somebody else, releases a hold, or confirms an erasure. */
const actsOfTwo = ['content', 'hold', 'erase'] as const satisfies readonly Act[];

/** True if a principal is a person who may be needed as another one than who asks: for an approval, or for one of the acts that need two, now or at another time. */
export function mayBeSecond({ roles, policy }: Pick<ApiParts, 'roles' | 'policy'>, principal: Principal, address: string): boolean {
  const isDecider = [...(policy().deciders?.values() ?? [])].flat().some((group) => principal.groups.includes(group));
  const asker = askerOf({ principal, onBehalfOf: null, address });
  const apart = policy().recordingRulesApart?.(asker, asker) ?? [{ one: noRules }];
  // Roles only end, so nobody has more of them later.
  const held = rolesOf(roles(), principal, Date.now());
  const isHolder = apart.some(({ one: rules }) => actsOfTwo.some((act) => !isNothing(scopeOf(rightsHeld({ roles: held, rules }, principal.id), act))));
  return principal.kind === 'human' && (isDecider || isHolder);
}

function askerOf({ principal, onBehalfOf, address }: Holder): Circumstances['asker'] {
  return { principal, onBehalfOf, run: null, address: isIP(address) === 0 ? loopback : address };
}

/** Returns the rights of a principal that holds something. Ages in roles count from `nowMs`. */
export function rightsHeld({ roles, rules }: Held, principal: string, nowMs = Date.now()): readonly Right[] {
  return ruledRights(rightsOf(roles, principal, nowMs), rules, principal);
}
