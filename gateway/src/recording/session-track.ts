import { decodeHex, hashBytes } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { SessionTrack } from './batch.ts';
import type { SessionEnd } from './journal-fold.ts';
import type { KeyStore, SessionSecrets } from './key-store.ts';
import { Keystream } from './keystream.ts';
import { expiryDay, type Retention } from './retention.ts';

export interface TrackContext {
  readonly keys: KeyStore;
  readonly retention: Retention;
  readonly clock: () => number;
  /** 16 random bytes as hex. */
  readonly newSessionId: () => string;
}

/** What the first leaf of a session says about its secrets. */
export interface SessionKeyFacts {
  readonly secrets: string;
  readonly key: number;
}

/** Makes the track of a new session, with secrets of its own. Throws GatewayError `cannot_record`. */
export function newTrack({ keys, retention, clock, newSessionId }: TrackContext): { readonly track: SessionTrack; readonly key: SessionKeyFacts } {
  const now = clock();
  const metaExpiryDay = expiryDay(now, retention.metaDays);
  const contentExpiryDay = expiryDay(now, retention.contentDays);
  const secrets = takeSecrets(keys, metaExpiryDay, contentExpiryDay);
  const id = newSessionId();
  const track: SessionTrack = {
    id,
    idBytes: decodeHex(id, 16),
    seq: 0,
    previous: new DataView(new ArrayBuffer(hashBytes)),
    unanswered: null,
    streams: { meta: new Keystream(secrets.meta), content: new Keystream(secrets.content) },
    metaExpiryDay,
    contentExpiryDay,
    skipCompression: 0,
  };
  return { track, key: { secrets: secrets.wrappedHash, key: secrets.keyId } };
}

/** Makes the track of a session that a crash left open. It can only be closed. */
export function leftOpenTrack(left: SessionEnd): SessionTrack {
  return {
    id: left.session,
    idBytes: decodeHex(left.session, 16),
    seq: left.records,
    previous: new DataView(new Uint8Array(left.previous).buffer),
    unanswered: left.unanswered,
    streams: null,
    metaExpiryDay: 0,
    contentExpiryDay: 0,
    skipCompression: 0,
  };
}

/** Takes secrets for a session. Throws GatewayError `cannot_record`, because a session without secrets cannot be recorded. */
function takeSecrets(keys: KeyStore, metaDay: number, contentDay: number): SessionSecrets {
  try {
    return keys.take(metaDay, contentDay);
  } catch (cause) {
    throw new GatewayError('cannot_record', 'The key store cannot be written, so nothing is let through. Free space where the data directory is.', { cause });
  }
}

/** The state of a session, for the next start. */
export function sessionEnd({ id, seq, previous, unanswered }: SessionTrack): SessionEnd {
  return { session: id, records: seq, previous: new Uint8Array(previous.buffer.slice(0)), unanswered };
}
