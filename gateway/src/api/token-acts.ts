import { ownAttributes } from '../domain/own-attributes.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { rolledBack } from '../recording/recovery.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { TokenAct, Tokens } from '../store/tokens.ts';

/**
 * Records one act on a token in the gateway's own session, and then notes that it is recorded. Rejects with GatewayError `cannot_record`; the next start then
 * records the act.
 */
export async function recordTokenAct(recorder: Recorder, tokens: Tokens, { act, token, principal, timeMs, by }: TokenAct, address?: string): Promise<void> {
  await recordOwnDecision(recorder, {
    action: `gateway.${act}_token`,
    verdict: 'allow',
    ...(act === 'revoke' ? { isFromReserve: true } : {}),
    reason: act === 'create' ? `a token for ${principal}` : `token ${token}`,
    attributes: {
      'user.id': by,
      ...(address === undefined ? { [ownAttributes.withoutGateway]: true } : { 'client.address': address }),
      [ownAttributes.tokenId]: token,
      [ownAttributes.principal]: principal,
      [ownAttributes.time]: new Date(timeMs).toISOString(),
    },
  });
  tokens.recorded({ act, token });
}

/** Records acts on tokens that were done while no gateway ran, or that a killed gateway had not recorded. Called at a start, before anything is served. */
export async function recordLeftTokenActs(recorder: Recorder, tokens: Tokens): Promise<void> {
  for (const act of tokens.unrecorded()) {
    await recordTokenAct(recorder, tokens, act);
  }
}

/**
 * Returns the number of revocations that `identity.db` lacks: with an older file, revoked tokens would be accepted again. Called before an epoch begins. Throws
 * GatewayError `store_rolled_back`, unless `mayRollBack`.
 */
export function findLostRevocations(keys: KeyStore, tokens: Tokens, mayRollBack: boolean): number {
  const [seen, found] = [keys.revocations, tokens.revocations()];
  if (found < seen && !mayRollBack) {
    throw rolledBack(`identity.db is older than keys.db: of ${seen} revocations of tokens it has ${found}. Restore the newer copy of identity.db`);
  }
  return Math.max(seen - found, 0);
}

export async function recordLostRevocations(recorder: Recorder, count: number): Promise<void> {
  const reason = `identity.db is an older copy, in which revocations are missing: ${count}`;
  await recordOwnDecision(recorder, { action: 'gateway.lose_revocations', verdict: 'allow', reason, attributes: { [ownAttributes.count]: count } });
}
