import { isIP } from 'node:net';
import { rightsOf, ruledRights, type Right } from '../access/rights.ts';
import { rolesOf, type Role } from '../access/roles.ts';
import type { Principal } from '../domain/principal.ts';
import type { RecordingRules } from '../domain/recording-rules.ts';
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
export function heldBy({ roles, policy }: Pick<ApiParts, 'roles' | 'policy'>, { principal, onBehalfOf, address }: Holder): Held {
  const timeMs = Date.now();
  const asker = { principal, onBehalfOf, run: null, address: isIP(address) === 0 ? loopback : address };
  return { roles: rolesOf(roles(), principal, timeMs), rules: policy().recordingRules?.({ asker, timeMs }) ?? noRules };
}

/** Returns the rights of a principal that holds something. */
export function rightsHeld({ roles, rules }: Held, principal: string): readonly Right[] {
  return ruledRights(rightsOf(roles, principal, Date.now()), rules, principal);
}
