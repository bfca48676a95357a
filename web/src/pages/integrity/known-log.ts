import { MalformedError, parseVerifierKey } from '@countersign/ledger';
import { encodeUtf8, formatVerifierKey, openKeyRing } from '@countersign/ledger/format';
import { ApiProblem, askFile } from '../../api/ask.ts';

/** The log of the gateway, as this browser knows it from before. */
export interface KnownLog {
  /** The C2SP verifier key that is trusted. */
  readonly key: string;
  /** `given`: a person gave the key. `served`: the gateway did, at the first visit. */
  readonly by: 'given' | 'served';
  /** When that was, ISO 8601. */
  readonly since: string;
  /** The newest signed checkpoint under which the log was found to hold. Null: none was yet. */
  readonly checkpoint: string | null;
}

const key = 'countersign.log';

/** Returns what is known after a person gave a key. A checkpoint that another key has signed is of no use with it. Throws `MalformedError` for what is no key. */
export function withGivenKey(known: KnownLog | null, text: string, now: Date): KnownLog {
  const given = text.trim();
  parseVerifierKey(given);
  return { key: given, by: 'given', since: now.toISOString(), checkpoint: known?.key === given ? known.checkpoint : null };
}

/** The keys that the gateway serves. */
export interface ServedKeys {
  /** The one in force. */
  readonly key: string;
  /** Null: it was never rotated. */
  readonly keyring: string | null;
}

/**
 * Returns what is known after the gateway has served its keys. Its key counts for a browser that knows none, and where the keyring shows that it has taken over from the
 * one that is known.
 */
export async function withServedKeys(known: KnownLog | null, served: ServedKeys, now: Date): Promise<KnownLog> {
  if (known === null) {
    return { key: served.key, by: 'served', since: now.toISOString(), checkpoint: null };
  }
  return (await hasTakenOver(known.key, served)) ? { ...known, key: served.key } : known;
}

async function hasTakenOver(before: string, { key: served, keyring }: ServedKeys): Promise<boolean> {
  try {
    const keys = keyring === null ? [] : (await openKeyRing(encodeUtf8(keyring))).keys.map((each) => formatVerifierKey(each.key));
    return keys.includes(before) && keys.at(-1) === served;
  } catch (error) {
    if (error instanceof MalformedError) {
      return false;
    }
    throw error;
  }
}

/** Reads what was stored; null for anything else. */
export function parseKnownLog(text: string | null): KnownLog | null {
  try {
    const { key: stored, by, since, checkpoint }: Partial<Record<keyof KnownLog, unknown>> = JSON.parse(text ?? 'null') ?? {};
    if (typeof stored !== 'string' || typeof since !== 'string' || (by !== 'given' && by !== 'served')) {
      return null;
    }
    parseVerifierKey(stored);
    return { key: stored, by, since, checkpoint: typeof checkpoint === 'string' ? checkpoint : null };
  } catch {
    return null;
  }
}

export function storedLog(): KnownLog | null {
  return parseKnownLog(localStorage.getItem(key));
}

export function storeLog(known: KnownLog): void {
  localStorage.setItem(key, JSON.stringify(known));
}

/** Asks the gateway for the keys of its log. Rejects with ApiProblem, and with `MalformedError` for what is no key. */
export async function servedKeys(): Promise<ServedKeys> {
  const served = new TextDecoder().decode(await askFile('GET /log/key')).trim();
  parseVerifierKey(served);
  // The keyring is asked for last: it has every key that was served before.
  const keyring = await askFile('GET /log/keys').catch((error: unknown) => {
    if (error instanceof ApiProblem && error.code === 'not_found') {
      return null;
    }
    throw error;
  });
  return { key: served, keyring: keyring === null ? null : new TextDecoder().decode(keyring) };
}
