import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Channel } from '../../domain/channel.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { cancelRequest } from './compose.ts';
import type { PostgresRelay } from './relay.ts';
import { untilCommitted } from '../../wire/until-committed.ts';
import { dial } from './upstream.ts';

/** If a cancelled request still runs after this time in ms, it is cancelled again. */
const repeatMs = 100;

const processIdBytes = 4;
/** The length of PostgreSQL's own secrets. Version 3.0 of the protocol allows only secrets of 4 bytes. */
const secretBytes = 32;
const secretBytesOf30 = 4;

/**
 * Makes the cancel key that the client gets instead of the target's. It keeps the process id, which the client may name in statements and finds in
 * notifications, and has a secret made by the gateway. Both together reach only this session, even if targets have equal process ids (PgBouncer CVE-2026-6667).
 */
export function makeCancelKey(targetKey: Buffer, minor: number, random: (bytes: number) => Buffer): Buffer {
  return Buffer.concat([targetKey.subarray(0, processIdBytes), random(minor >= 2 ? secretBytes : secretBytesOf30)]);
}

/**
 * Cancels what runs in this session now, with the target's own key over a connection of its own. If it has ended in the meantime, the next statement is not
 * cancelled.
 */
export async function cancel(channel: Channel, key: Buffer | null, relay: PostgresRelay): Promise<void> {
  if (relay.cancelHeld()) {
    return;
  }
  const { outstanding } = relay;
  if (outstanding === null || key === null) {
    return;
  }
  try {
    const outcome = await channel.request({ name: 'postgres.cancel', attributes: { [ownAttributes.request]: outstanding } }, [cancelRequest(key)]);
    if (outcome.grant === null) {
      return;
    }
    await untilCommitted(channel);
    const upstream = await dial(channel);
    if (relay.outstanding === outstanding) {
      upstream.forward(outcome.grant);
      // The target closes the connection when it has noted the request. Only then the client is told.
      await upstream.read(channel.limits.dialMs);
    }
    upstream.end();
  } catch (error) {
    // As in PostgreSQL, the client that cancels does not learn whether it worked.
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
}

/**
 * Cancels everything that an ended session has sent. It repeats that until the target has seen the end of the connection, because pipelined requests run one
 * after the other.
 */
export async function cancelRest(
  channel: Channel,
  key: Buffer | null,
  left: { readonly relay: PostgresRelay; readonly upstream: Upstream },
  limit: AbortSignal,
): Promise<void> {
  const { outstanding } = left.relay;
  if (outstanding === null || key === null) {
    return;
  }
  const again = Symbol('again');
  try {
    do {
      limit.throwIfAborted();
      const action = { name: 'postgres.cancel', attributes: { [ownAttributes.request]: outstanding } };
      const { grant } = await channel.request(action, [cancelRequest(key)], { byGateway: true });
      await untilCommitted(channel, limit);
      const upstream = await dial(channel, limit);
      if (grant !== null) {
        upstream.forward(grant);
      }
      upstream.end();
    } while ((await Promise.race([left.upstream.closed, delay(repeatMs, again)])) === again);
  } catch (error) {
    // The cancellation could not be recorded or sent, or the target does not answer. The connection to it is closed in any case.
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
}
