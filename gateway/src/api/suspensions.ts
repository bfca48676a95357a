import { ownAttributes } from '../domain/own-attributes.ts';
import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Exclusions, Suspension } from '../store/exclusions.ts';

/** Records a suspension in the gateway's own session, also on a full disk, and then notes that it is recorded. Rejects with GatewayError `cannot_record` or `store_unreachable`; the next start then records it. */
export async function recordSuspension(
  recorder: Recorder,
  exclusions: Exclusions,
  { principal, sinceMs, by, reason }: Suspension,
  address?: string,
): Promise<void> {
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
  await exclusions.recorded('suspended', principal);
}
