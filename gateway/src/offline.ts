import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayIdOf, parseCheckpoint } from '@countersign/ledger/checkpoint.ts';
import { parseNote, parseVerifierKey } from '@countersign/ledger/note.ts';
import { GatewayError } from './domain/errors.ts';
import type { SessionSummary, ShownRecord } from './domain/shown-record.ts';
import { makeBundle } from './feed/evidence.ts';
import { Follower } from './feed/follower.ts';
import { SessionIndex, type IndexedSession } from './feed/session-index.ts';
import { openSession, Presenter } from './feed/timeline.ts';
import { findProtocol } from './protocols/registry.ts';
import { KeyStore } from './recording/key-store.ts';
import type { PublishedCheckpoint } from './recording/recorder-options.ts';
import { openRootKey } from './recording/root-key.ts';
import { SessionOpener } from './recording/session-reader.ts';
import { requireDataDirectory } from './store/data-directory.ts';
import { openMemorySqlite } from './store/sqlite.ts';

/** A store read without a gateway: by whoever has the files and the root key. */
export interface OfflineStore extends AsyncDisposable {
  sessions(which: 'clients' | 'all'): Iterable<SessionSummary>;
  /** Errors: `not_found`. */
  records(session: string): AsyncIterable<ShownRecord>;
  /** The lines of a session's bundle. Errors: `not_found`, `store_damaged`; `conflict` while its last records are not under a checkpoint. */
  bundle(session: string): AsyncIterable<string>;
}

/** Indexes the journal in memory; changes no file. Errors: `not_found`, `key_unavailable`. */
export async function openOffline(data: string, environment: NodeJS.ProcessEnv): Promise<OfflineStore> {
  requireDataDirectory(data);
  const keys = KeyStore.openReadOnly(join(data, 'keys.db'), openRootKey(data, environment, false));
  const database = openMemorySqlite();
  const index = new SessionIndex(database);
  const follower = await Follower.open(data, keys, index, () => undefined);
  const find = (id: string): IndexedSession => {
    const session = index.find(id);
    if (session === null) {
      throw new GatewayError('not_found', `There is no session ${id} in ${data}.`);
    }
    return session;
  };
  return {
    sessions: (which) => index.list(which),
    async *records(id) {
      const session = find(id);
      const presenter = new Presenter(findProtocol);
      for await (const record of openSession(data, new SessionOpener(keys, session.key), session)) {
        yield presenter.show(record);
      }
    },
    async *bundle(id) {
      const session = find(id);
      const key = readFileSync(join(data, 'log', 'key'), 'utf8').trim();
      yield* makeBundle({ data, key, gatewayId: gatewayIdOf(parseVerifierKey(key).name) ?? '' }, keys, session, readCheckpoint(data));
    },
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      database.close();
      keys[Symbol.dispose]();
    },
  };
}

/** The newest one that was published. */
function readCheckpoint(data: string): PublishedCheckpoint {
  const note = readFileSync(join(data, 'log', 'checkpoint'));
  return { size: parseCheckpoint(parseNote(note).text).size, note: note.toString() };
}
