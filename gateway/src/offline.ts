import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from './domain/errors.ts';
import type { MessageRange, SessionPage, SessionSummary, ShownRecord } from './domain/shown-record.ts';
import { makeBundle, openCheckpoint, openLog } from './feed/evidence.ts';
import { Follower } from './feed/follower.ts';
import { Recordings } from './feed/recordings.ts';
import { SessionIndex } from './feed/session-index.ts';
import { findProtocol } from './protocols/registry.ts';
import { openIndexCopy, openKeys } from './offline-index.ts';
import type { PublishedCheckpoint } from './recording/recorder-options.ts';
import { requireDataDirectory } from './store/data-directory.ts';

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

/** The newest one that was published; null when there is none. Errors: `store_damaged`. */
async function readCheckpoint(data: string): Promise<PublishedCheckpoint | null> {
  const file = join(data, 'log', 'checkpoint');
  return existsSync(file) ? openCheckpoint(openLog(data), readFileSync(file, 'utf8')) : null;
}
