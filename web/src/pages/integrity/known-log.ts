import { parseVerifierKey } from '@countersign/ledger';
import { askFile } from '../../api/ask.ts';

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

/** Returns what is known after the gateway has served its key: it counts only for a browser that knows none. */
export function withServedKey(known: KnownLog | null, served: string, now: Date): KnownLog {
  return known ?? { key: served, by: 'served', since: now.toISOString(), checkpoint: null };
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

/** Asks the gateway for the key of its log. Rejects with ApiProblem, and with `MalformedError` for what is no key. */
export async function servedKey(): Promise<string> {
  const served = new TextDecoder().decode(await askFile('GET /log/key')).trim();
  parseVerifierKey(served);
  return served;
}
