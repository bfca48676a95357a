/** The key by which records are proven in the page: that which a person gave, or the one in the file. */
import { parseVerifierKey } from '@countersign/ledger';
import type { KnownLog } from '../pages/integrity/known-log.ts';
import { askFile } from './ask-file.ts';

export type { KnownLog } from '../pages/integrity/known-log.ts';

const given: { key: string | null } = { key: null };

export function trustKey(key: string | null): void {
  given.key = key;
}

export function storedLog(): KnownLog | null {
  return given.key === null ? null : knownBy(given.key, 'given');
}

export function withServedKey(known: KnownLog | null, served: string): KnownLog {
  return known ?? knownBy(served, 'served');
}

function knownBy(key: string, by: KnownLog['by']): KnownLog {
  return { key, by, since: '', checkpoint: null };
}

/** Nothing is kept from one opening of the file to the next. */
export function storeLog(): void {}

export async function servedKey(): Promise<string> {
  const key = new TextDecoder().decode(await askFile('GET /log/key'));
  parseVerifierKey(key);
  return key;
}
