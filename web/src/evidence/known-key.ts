/** The key by which records are proven in the page: that which a person gave, or the one in the file. */
import { parseVerifierKey } from '@countersign/ledger';
import type { KnownLog, ServedKeys } from '../pages/integrity/known-log.ts';
import { ApiProblem, askFile } from './ask-file.ts';

export type { KnownLog, ServedKeys } from '../pages/integrity/known-log.ts';

const given: { key: string | null } = { key: null };

export function trustKey(key: string | null): void {
  given.key = key;
}

export function storedLog(): KnownLog | null {
  return given.key === null ? null : knownBy(given.key, 'given');
}

export async function withServedKeys(known: KnownLog | null, { key }: ServedKeys): Promise<KnownLog> {
  return Promise.resolve(known ?? knownBy(key, 'served'));
}

function knownBy(key: string, by: KnownLog['by']): KnownLog {
  return { key, by, since: '', checkpoint: null };
}

/** Nothing is kept from one opening of the file to the next. */
export function storeLog(): void {}

export async function servedKeys(): Promise<ServedKeys> {
  const key = new TextDecoder().decode(await askFile('GET /log/key'));
  parseVerifierKey(key);
  const keyring = await askFile('GET /log/keys').catch((error: unknown) => {
    if (error instanceof ApiProblem) {
      return null;
    }
    throw error;
  });
  return { key, keyring: keyring === null ? null : new TextDecoder().decode(keyring) };
}
