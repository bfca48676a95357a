import type { Attributes } from '../domain/action.ts';
import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';

/** The words of an issuer about somebody, for the record. */
interface Said {
  readonly action: 'gateway.end_sign_ins' | 'gateway.deactivate_account' | 'gateway.activate_account' | 'gateway.remove_account';
  readonly attributes: Attributes;
}

/**
 * Records that those who have left are out, or in again. To be called after the change is stored, which has ended what they had opened. Resolves when the record
 * is committed; until then the issuer is not told that it is done, and says it again. Rejects with GatewayError `cannot_record`.
 */
export async function recordDeparture(recorder: Recorder, { action, attributes }: Said): Promise<void> {
  await recordOwnDecision(recorder, { action, verdict: 'allow', isFromReserve: true, attributes });
}
