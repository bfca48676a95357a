import { GatewayError } from '../../domain/errors.ts';
import type { Session } from '../../domain/protocol.ts';
import { cancelRequest } from './compose.ts';
import type { PostgresRelay } from './relay.ts';
import { untilCommitted } from './until-committed.ts';
import { dial } from './upstream.ts';

/**
 * Process id and secret as the client gets them: the gateway's own, 63 random bits, so that they reach this session and nobody else's
 * (PgBouncer CVE-2026-6667).
 */
export function makeCancelKey(random: (bytes: number) => Buffer): Buffer {
  const key = random(8);
  // A process id is positive.
  key.writeUInt8(key.readUInt8(0) & 0x7f, 0);
  return key;
}

/**
 * Cancels what runs in this session now, by the target's own key over a connection of its own. What has ended in the meantime stays ended: the statement
 * after it is not hit.
 */
export async function cancel(session: Session, key: Buffer | null, relay: PostgresRelay): Promise<void> {
  const { outstanding } = relay;
  if (outstanding === null || key === null) {
    return;
  }
  try {
    const outcome = await session.request({ name: 'postgres.cancel', attributes: { 'countersign.request': outstanding } }, [cancelRequest(key)]);
    if (outcome.grant === null) {
      return;
    }
    await untilCommitted(session);
    const upstream = await dial(session);
    if (relay.outstanding === outstanding) {
      upstream.forward(outcome.grant);
      // The target closes when it has taken note: only then the client may believe so.
      await upstream.read(session.limits.dialMs);
    }
    upstream.end();
  } catch (error) {
    // As in PostgreSQL, who cancels learns nothing of whether it worked.
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
}
