import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from './domain/errors.ts';
import type { MessageRange, SessionPage, SessionSummary, ShownRecord } from './domain/shown-record.ts';
import { makeBundle, openCheckpoint, openLog } from './feed/evidence.ts';
import { Follower } from './feed/follower.ts';
import { Recordings } from './feed/recordings.ts';
import { IndexDiffers } from './feed/sealed-rows.ts';
import { openIndexFile, removeIndexFile, SessionIndex } from './feed/session-index.ts';
import { findProtocol } from './protocols/registry.ts';
import { KeyStore } from './recording/key-store.ts';
import type { PublishedCheckpoint } from './recording/recorder-options.ts';
import { openRootKey } from './recording/root-key.ts';
import { requireDataDirectory } from './store/data-directory.ts';
import { StoreLock } from './store-lock.ts';
import { openMemorySqlite, type Sqlite } from './store/sqlite.ts';

/** A store read without a gateway: by whoever has the files and the root key. What is damaged is told behind what is whole, as `store_damaged`. */
export interface OfflineStore extends AsyncDisposable {
  sessions(page: SessionPage): AsyncIterable<SessionSummary>;
  /** Errors: `not_found`. */
  records(session: string): AsyncIterable<ShownRecord>;
  /** In parts. Errors: `not_found`. */
  bytes(session: string, range: MessageRange): AsyncIterable<Uint8Array>;
  /** The lines of a session's bundle. Errors: `not_found`; `conflict` while its last records are not under a checkpoint. */
  bundle(session: string): AsyncIterable<string>;
}

/** Changes no file. What `index.db` says is taken as far as it agrees with the journal. `onDifference`: it does not. Errors: `not_found`, `key_unavailable`. */
export async function openOffline(data: string, environment: NodeJS.ProcessEnv, onDifference: (what: string) => void = () => undefined): Promise<OfflineStore> {
  requireDataDirectory(data);
  const keys = openKeys(data, environment);
  // Before the journal, which a gateway may be writing: what is published is in it.
  const checkpoint = readCheckpoint(data);
  const published = checkpoint.then((found) => found?.size ?? 0);
  // Who reads to an end is told.
  await published.catch(() => undefined);
  const database = openIndexCopy(data);
  const index = new SessionIndex(database, keys.cacheKey());
  const follower = await Follower.open(data, keys, index, () => undefined);
  const recordings = new Recordings({ data, keys, index, follower, findProtocol, written: null, published, onDifference });
  return {
    sessions: (page) => recordings.list(page),
    async *records(id) {
      yield* recordings.show(await recordings.find(id));
    },
    async *bytes(id, range) {
      yield* recordings.bytes(recordings.extentOf(await recordings.find(id)), range);
    },
    async *bundle(id) {
      const extent = recordings.extentOf(await recordings.find(id));
      const found = await readCheckpoint(data);
      if (found === null) {
        throw new GatewayError('store_damaged', 'There is no log/checkpoint in the store: nothing signs the records. Run countersign verify.');
      }
      yield* makeBundle(openLog(data), keys, extent, found);
    },
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      database.close();
      keys[Symbol.dispose]();
    },
  };
}

/** Makes `index.db` again from the journal of a store that no gateway runs on. Errors: `not_found`, `key_unavailable`, `store_in_use`. */
export async function rebuildIndexOffline(data: string, environment: NodeJS.ProcessEnv): Promise<{ readonly sessions: number; readonly records: number }> {
  requireDataDirectory(data);
  using _lock = StoreLock.take(data);
  using keys = openKeys(data, environment);
  removeIndexFile(join(data, 'index.db'));
  using database = openIndexFile(join(data, 'index.db'));
  await using follower = await Follower.open(data, keys, new SessionIndex(database, keys.cacheKey()), () => undefined);
  return { sessions: follower.position.sessions, records: follower.position.size };
}

/**
 * Whether `index.db` says what the journal says; `written`: a gateway is writing it, or was killed while it did. Reads the whole journal, and changes no file.
 * Errors: `not_found`, `key_unavailable`.
 */
export async function compareIndex(data: string, environment: NodeJS.ProcessEnv): Promise<'agrees' | 'differs' | 'missing' | 'written'> {
  requireDataDirectory(data);
  if (!existsSync(join(data, 'index.db'))) {
    return 'missing';
  }
  if (hasWal(data)) {
    return 'written';
  }
  using kept = openIndexCopy(data);
  using keys = openKeys(data, environment);
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

/** Errors: `key_unavailable`. */
function openKeys(data: string, environment: NodeJS.ProcessEnv): KeyStore {
  const file = join(data, 'keys.db');
  if (!existsSync(file)) {
    throw new GatewayError(
      'key_unavailable',
      `There is no ${file}, and what was recorded opens with no other keys: restore it. countersign verify needs none.`,
    );
  }
  return KeyStore.openReadOnly(file, openRootKey(data, environment, false));
}

function hasWal(data: string): boolean {
  return (statSync(join(data, 'index.db-wal'), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** In memory; empty where there is none that is whole in one file. */
function openIndexCopy(data: string): Sqlite {
  const file = join(data, 'index.db');
  const isOneFile = existsSync(file) && !hasWal(data);
  return openMemorySqlite(isOneFile ? readFileSync(file) : null);
}

/** The newest one that was published; null when there is none. Errors: `store_damaged`. */
async function readCheckpoint(data: string): Promise<PublishedCheckpoint | null> {
  const file = join(data, 'log', 'checkpoint');
  return existsSync(file) ? openCheckpoint(openLog(data), readFileSync(file, 'utf8')) : null;
}
