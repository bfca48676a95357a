import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { RootSource } from '../domain/root-settings.ts';
import type { SessionPage, SessionSummary, ShownRecord } from '../feed/shown-record.ts';
import type { MessageRange } from '../recording/message-bytes.ts';
import { makeBundle, openCheckpoint, openLog } from '../feed/evidence.ts';
import { Follower } from '../feed/follower.ts';
import { Recordings, type FoundRecord } from '../feed/recordings.ts';
import { SessionIndex } from '../feed/session-index.ts';
import { findProtocol } from '../protocols/registry.ts';
import { openIndexCopy, openKeys } from './offline-index.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { requireDataDirectory } from '../store/data-directory.ts';

/**
 * A store that is read without a gateway, by anybody who has the files and the root key. Damage is told as GatewayError `store_damaged`, after everything that
 * is whole.
 */
export interface OfflineStore extends AsyncDisposable {
  sessions(page: SessionPage): AsyncIterable<SessionSummary>;
  /** Yields the records of a session. Throws GatewayError `not_found`. */
  records(session: string): AsyncIterable<ShownRecord>;
  /** Returns the record with this index in the log. Rejects with GatewayError `not_found`. */
  record(logIndex: number): Promise<ShownRecord>;
  /** Returns the record of a version of the policies. Rejects with GatewayError `not_found`. */
  policyRecord(version: string): Promise<ShownRecord>;
  /** Yields the bytes of messages in parts. Throws GatewayError `not_found`. */
  bytes(session: string, range: MessageRange): AsyncIterable<Uint8Array>;
  /** Yields the lines of a session's bundle. Throws GatewayError `not_found`; `conflict` while its last records are not under a checkpoint. */
  bundle(session: string, options?: { readonly policies: boolean }): AsyncIterable<string>;
}

/**
 * Opens a store to read it, and changes no file. `index.db` is used as far as it agrees with the journal; `onDifference` is told if it does not. Rejects with
 * GatewayError `not_found` or `key_unavailable`.
 */
export async function openOffline(data: string, source: RootSource, onDifference: (what: string) => void = () => undefined): Promise<OfflineStore> {
  requireDataDirectory(data);
  const keys = await openKeys(data, source);
  // The checkpoint is read before the journal, which a gateway may be writing: so everything under the checkpoint must be in the journal.
  const checkpoint = readCheckpoint(data);
  const published = checkpoint.then((found) => found?.size ?? 0);
  // A damaged checkpoint is told to whoever reads to an end.
  await published.catch(() => undefined);
  const database = openIndexCopy(data);
  const index = new SessionIndex(database, keys.cacheKey());
  const follower = await Follower.open(data, keys, index, () => undefined);
  const recordings = new Recordings({ data, keys, index, follower, findProtocol, written: null, published, onDifference });
  const one = async ({ found, seq }: FoundRecord): Promise<ShownRecord> => {
    for await (const record of recordings.show(found, seq)) {
      return record;
    }
    throw new GatewayError('store_damaged', `Record ${seq} of session ${found.session} is not there: run countersign verify.`);
  };
  return {
    record: async (logIndex) => one(await recordings.locate(logIndex)),
    policyRecord: async (version) => one(await recordings.locatePolicy(version)),
    sessions: (page) => recordings.list(page),
    async *records(id) {
      yield* recordings.show(await recordings.find(id));
    },
    async *bytes(id, range) {
      yield* recordings.bytes(recordings.extentOf(await recordings.find(id)), range);
    },
    async *bundle(id, { policies } = { policies: false }) {
      const extent = recordings.extentOf(await recordings.find(id));
      const found = await readCheckpoint(data);
      if (found === null) {
        throw new GatewayError('store_damaged', 'There is no log/checkpoint in the store: nothing signs the records. Run countersign verify.');
      }
      yield* makeBundle(await openLog(data), keys, extent, {
        checkpoint: found,
        findPolicy: policies ? async (version) => recordings.findPolicy(version) : null,
      });
    },
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      database.close();
      keys[Symbol.dispose]();
    },
  };
}

/** Reads the newest published checkpoint; null if there is none. Rejects with GatewayError `store_damaged`. */
async function readCheckpoint(data: string): Promise<PublishedCheckpoint | null> {
  const file = join(data, 'log', 'checkpoint');
  return existsSync(file) ? openCheckpoint(await openLog(data), readFileSync(file, 'utf8')) : null;
}
