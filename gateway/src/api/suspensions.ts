import { ownAttributes } from '../domain/own-attributes.ts';
import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Suspension, Tokens } from '../store/tokens.ts';

/** Records a suspension in the gateway's own session, also on a full disk, and then notes that it is recorded. Rejects with GatewayError `cannot_record`; the next start then records it. */
export async function recordSuspension(recorder: Recorder, tokens: Tokens, { principal, sinceMs, by, reason }: Suspension, address?: string): Promise<void> {
  await recordOwnDecision(recorder, {
    action: 'gateway.suspend_principal',
    verdict: 'allow',
    isFromReserve: true,
    ...(reason === '' ? {} : { reason }),
    attributes: {
      'user.id': by,
      ...(address === undefined ? {} : { 'client.address': address }),
      [ownAttributes.principal]: principal,
      [ownAttributes.time]: new Date(sinceMs).toISOString(),
    },
  });
  tokens.recordedSuspension(principal);
}

/** Records suspensions that a killed gateway had not recorded. Called at a start, before anything is served. */
export async function recordLeftSuspensions(recorder: Recorder, tokens: Tokens): Promise<void> {
  for (const suspension of tokens.unrecordedSuspensions()) {
    await recordSuspension(recorder, tokens, suspension);
  }
}
