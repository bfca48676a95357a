import type { Attributes } from '../domain/action.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import { noteRevocations } from './note-revocations.ts';
import type { ApiParts } from './parts.ts';

/** The parts that an end of sign-ins acts on. */
export type DepartureParts = Pick<ApiParts, 'approvals' | 'authenticator' | 'departures' | 'keys' | 'recorder' | 'tokens'>;

/** The words of an issuer about somebody, for the record. */
interface Said {
  readonly action: 'gateway.end_sign_ins' | 'gateway.deactivate_account' | 'gateway.activate_account' | 'gateway.remove_account';
  readonly attributes: Attributes;
}

/**
 * Ends at once what was opened by those who have left, or lets them in again, and records it. To be called after the change is stored. Resolves when the record is
 * committed; until then the issuer is not told that it is done, and says it again. Rejects with GatewayError `cannot_record`.
 */
export async function takeUpDepartures(parts: DepartureParts, { action, attributes }: Said): Promise<void> {
  parts.authenticator.recheck();
  parts.approvals.recheck();
  noteRevocations(parts);
  await recordOwnDecision(parts.recorder, { action, verdict: 'allow', isFromReserve: true, attributes });
}
