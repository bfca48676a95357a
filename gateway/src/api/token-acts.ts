import type { Attributes } from '../domain/action.ts';
import type { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { rolledBack } from '../recording/recovery.ts';
import { appendOwnDecision, recordOwnDecision } from '../sessions/own-decision.ts';
import { forGoodMs, type Exclusion, type Exclusions } from '../store/exclusions.ts';
import type { Identities } from '../store/identities.ts';
import { isInvitation, passkeyNamed } from '../store/passkeys.ts';
import type { StoredToken } from '../store/tokens.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';
import { recordSuspension } from './suspensions.ts';

type RecordedParts = Pick<Identities, 'tokens' | 'exclusions'>;

/** Most acts of other gateways that have a record of their own when they are heard of at once, as at a start. */
const heardMax = 1_000;

/** The creation or revocation of a token. */
export interface TokenAct {
  readonly act: 'create' | 'revoke';
  readonly token: string;
  readonly principal: string;
  readonly timeMs: number;
  readonly by: string;
}

/**
 * Records one act on a token in the gateway's own session, and then notes that it is recorded. Rejects with GatewayError `cannot_record` or `store_unreachable`;
 * the next start then records the act.
 */
export async function recordTokenAct(
  recorder: Recorder,
  { tokens, exclusions }: RecordedParts,
  { act, token, principal, timeMs, by }: TokenAct,
  address?: string,
): Promise<void> {
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
  await (act === 'create' ? tokens.recorded(token) : exclusions.recorded('revoked', token));
}

export type TokenParts = Pick<ApiParts, 'authenticator' | 'recorder' | 'tokens' | 'exclusions'>;

/**
 * Revokes a token by its id or its hash, ends what was opened with it, and records it. Null if there is no such token. Rejects as `recordTokenAct` and
 * `Exclusions.append` do.
 */
export async function endToken(parts: TokenParts, name: string, by: Pick<Caller, 'id' | 'address'>): Promise<StoredToken | null> {
  const revoked = await parts.authenticator.revoke(name, by.id);
  if (revoked !== null) {
    const act: TokenAct = { act: 'revoke', token: revoked.id, principal: revoked.principal, timeMs: Date.now(), by: by.id };
    await recordTokenAct(parts.recorder, parts, act, by.address);
  }
  return revoked;
}

/**
 * Records what was done to tokens and principals while no gateway ran, or what this gateway had not recorded when it was killed. Called at a start, before anything
 * is served. Rejects as `recordTokenAct` does.
 */
export async function recordLeftActs(recorder: Recorder, { tokens, exclusions }: RecordedParts): Promise<void> {
  const made = (await tokens.unrecorded()).map(({ token: { id, principal, createdMs }, by }): TokenAct => ({
    act: 'create',
    token: id,
    principal,
    timeMs: createdMs,
    by,
  }));
  const ended = await exclusions.unrecorded();
  const acts = [...made, ...ended].toSorted((a, b) => a.timeMs - b.timeMs);
  for (const act of acts) {
    if ('act' in act) {
      await recordTokenAct(recorder, { tokens, exclusions }, act);
    } else if (act.kind === 'suspended') {
      await recordSuspension(recorder, exclusions, { principal: act.name, sinceMs: act.timeMs, by: act.by, reason: act.reason });
    } else {
      const principal = (await tokens.find(act.name))?.principal ?? '';
      await recordTokenAct(recorder, { tokens, exclusions }, { act: 'revoke', token: act.name, principal, timeMs: act.timeMs, by: act.by });
    }
  }
}

/**
 * Records in the gateway's own session what another gateway, which records the act itself, has done to tokens, principals and sign-ins. It does not wait for the
 * commit: it is in force already. `ownId` is the id of this gateway. Throws GatewayError `cannot_record`.
 */
export function recordHeard(recorder: Recorder, ownId: string, news: readonly Exclusion[]): void {
  const heard = news.filter(({ gateway }) => gateway !== ownId && gateway !== '');
  const before = heard.length - heardMax;
  if (before > 0) {
    const attributes = { [ownAttributes.count]: before };
    appendOwnDecision(recorder, { action: 'gateway.hear_of_act', verdict: 'allow', reason: 'acts at other gateways, before those that follow', attributes });
  }
  for (const entry of heard.slice(-heardMax)) {
    const { timeMs, by, reason, gateway } = entry;
    const { what, attributes } = heardOf(entry);
    appendOwnDecision(recorder, {
      action: 'gateway.hear_of_act',
      verdict: 'allow',
      reason: `at another gateway, ${what}${reason === '' ? '' : `: ${reason}`}`,
      attributes: {
        ...(by === '' ? {} : { 'user.id': by }),
        ...attributes,
        [ownAttributes.otherGateway]: gateway,
        ...(timeMs === forGoodMs ? {} : { [ownAttributes.time]: new Date(timeMs).toISOString() }),
      },
    });
  }
}

/** Says what another gateway did, and names what it did it to. */
function heardOf({ kind, name }: Exclusion): { readonly what: string; readonly attributes: Attributes } {
  if (kind === 'ended') {
    return { what: 'sign-ins ended', attributes: { [ownAttributes.account]: [name] } };
  }
  if (kind !== 'revoked') {
    return { what: `this was ${kind}`, attributes: { [ownAttributes.principal]: name } };
  }
  if (isInvitation(name)) {
    return { what: 'somebody registered a passkey', attributes: {} };
  }
  const passkey = passkeyNamed(name);
  return passkey === null
    ? { what: 'this was revoked', attributes: { [ownAttributes.tokenId]: name } }
    : { what: 'a passkey was removed', attributes: { [ownAttributes.passkey]: passkey } };
}

/**
 * Returns the number of entries that the list of exclusions lacks: with an older list, revoked tokens would be accepted again. Called before an epoch begins.
 * Throws GatewayError `store_rolled_back`, unless `mayRollBack`.
 */
export function findLostRevocations(keys: KeyStore, { store, revision }: Exclusions, mayRollBack: boolean): number {
  const seen = keys.exclusionsSeen;
  const isOther = seen.store !== store;
  const lost = isOther ? seen.revision : Math.max(seen.revision - revision, 0);
  if (lost > 0 && !mayRollBack) {
    throw rolledBack(
      isOther
        ? `${seen.store === '' ? 'identity.db' : 'the store of before'} knew ${lost} revocations, suspensions and ends of sign-ins, and the store is now another one, which may not know them. Name the store of before`
        : `${store === '' ? 'identity.db' : 'the store'} is older than keys.db: of ${seen.revision} revocations of tokens it has ${revision}. Restore the newer copy of ${store === '' ? 'identity.db' : 'it'}`,
    );
  }
  return lost;
}

export async function recordLostRevocations(recorder: Recorder, count: number): Promise<void> {
  const reason = `what is known of tokens is an older copy, in which revocations are missing: ${count}`;
  await recordOwnDecision(recorder, { action: 'gateway.lose_revocations', verdict: 'allow', reason, attributes: { [ownAttributes.count]: count } });
}

/** Records that it is not known any more whose credentials are valid, and why; or, with null, that it is known again. Throws GatewayError `cannot_record`. */
export function recordStoreFault(recorder: Recorder, fault: GatewayError | null): void {
  const decision =
    fault === null ? ({ action: 'gateway.find_store', verdict: 'allow' } as const) : ({ action: 'gateway.lose_store', verdict: 'deny' } as const);
  appendOwnDecision(recorder, { ...decision, ...(fault === null ? {} : { reason: fault.message }), attributes: {} });
}
