import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { RootSource } from '../domain/root-settings.ts';
import { Follower } from '../feed/follower.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import { openIndexFile, removeIndexFile, SessionIndex } from '../feed/session-index.ts';
import { KeyStore } from '../recording/key-store.ts';
import { openRoot } from '../recording/root-secret/open-root.ts';
import { requireDataDirectory } from '../store/data-directory.ts';
import { StoreLock } from '../store/store-lock.ts';
import { openMemorySqlite, type Sqlite } from '../store/sqlite.ts';

/** Makes `index.db` again from the journal of a store on which no gateway runs. Rejects with GatewayError `not_found`, `key_unavailable` or `store_in_use`. */
export async function rebuildIndexOffline(data: string, source: RootSource): Promise<{ readonly sessions: number; readonly records: number }> {
  requireDataDirectory(data);
  using _lock = StoreLock.take(data);
  using keys = await openKeys(data, source);
  removeIndexFile(join(data, 'index.db'));
  // The next start of a gateway makes the index of records again.
  removeIndexFile(join(data, 'records.db'));
  using database = openIndexFile(join(data, 'index.db'));
  await using follower = await Follower.open(data, keys, new SessionIndex(database, keys.cacheKey()), () => undefined);
  return { sessions: follower.position.sessions, records: follower.position.size };
}

/**
 * Compares `index.db` with the journal. `written`: a gateway is writing it, or was killed while it did. Reads the whole journal, and changes no file.
 * Rejects with GatewayError `not_found` or `key_unavailable`.
 */
export async function compareIndex(data: string, source: RootSource): Promise<'agrees' | 'differs' | 'missing' | 'written'> {
  requireDataDirectory(data);
  if (!existsSync(join(data, 'index.db'))) {
    return 'missing';
  }
  if (hasWal(data)) {
    return 'written';
  }
  using kept = openIndexCopy(data);
  using keys = await openKeys(data, source);
  using made = openMemorySqlite();
  const [one, other] = [new SessionIndex(kept, keys.cacheKey()), new SessionIndex(made, keys.cacheKey())];
  await using follower = await Follower.open(data, keys, one, () => undefined);
  if (follower.isRemade) {
    return 'differs';
  }
  await using _again = await Follower.open(data, keys, other, () => undefined);
  try {
    for (let last = 0; ;) {
      const [page, truth] = [one.page(last), other.page(last)];
      if (JSON.stringify(page) !== JSON.stringify(truth)) {
        return 'differs';
      }
      if (page.length === 0) {
        return 'agrees';
      }
      last = page.at(-1)?.id ?? last;
    }
  } catch (error) {
    if (error instanceof IndexDiffers) {
      return 'differs';
    }
    throw error;
  }
}

/** Opens the keys of a store, with or without a gateway that runs on it. Rejects with GatewayError `key_unavailable`. */
export async function openKeys(data: string, source: RootSource): Promise<KeyStore> {
  const file = join(data, 'keys.db');
  if (!existsSync(file)) {
    throw new GatewayError('key_unavailable', `${file} is missing, and no other keys open the recordings: restore the file. countersign verify needs none.`);
  }
  return KeyStore.openReadOnly(file, (await openRoot(data, { ...source, isNew: false })).secret);
}

function hasWal(data: string): boolean {
  return (statSync(join(data, 'index.db-wal'), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Opens a copy of `index.db` in memory. It is empty if there is no `index.db` that is whole in one file. */
export function openIndexCopy(data: string): Sqlite {
  const file = join(data, 'index.db');
  const isOneFile = existsSync(file) && !hasWal(data);
  return openMemorySqlite(isOneFile ? readFileSync(file) : null);
}
