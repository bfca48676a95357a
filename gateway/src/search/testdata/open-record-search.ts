import { Follower } from '../../feed/follower.ts';
import { Recordings } from '../../feed/recordings.ts';
import { SessionIndex } from '../../feed/session-index.ts';
import { sessionKeys } from '../../feed/session-keys.ts';
import type { KeyStore } from '../../recording/key-store.ts';
import type { Recorder } from '../../recording/recorder.ts';
import { factNamesOfAll } from '../../domain/facts-only.ts';
import { findProtocol, protocols } from '../../protocols/registry.ts';
import { openMemorySqlite, type Sqlite } from '../../store/sqlite.ts';
import { BlockStore, parseBucket } from '../block-store.ts';
import { RecordIndex } from '../record-index.ts';
import { RecordSearch } from '../record-search.ts';
import { SearchedIndex } from '../searched-index.ts';
import { Boundary } from '../sight.ts';

interface OpenedSearch {
  readonly search: RecordSearch;
  readonly follower: Follower;
  readonly recordings: Recordings;
  /** The database with the stored blocks. */
  readonly database: Sqlite;
}

/** Opens a search of what a recorder writes, as the thread that reads has it, with blocks of ten records. */
export async function openRecordSearch(
  data: string,
  recorder: Recorder,
  keys: KeyStore,
  onDifference: (what: string) => void = () => undefined,
): Promise<OpenedSearch> {
  const database = openMemorySqlite();
  const index = new SessionIndex(openMemorySqlite(), keys.cacheKey());
  const follower = await Follower.open(data, keys, index, (error) => {
    throw error;
  });
  const keyOf = sessionKeys(follower, index);
  const store = new BlockStore(database, { heads: keys.cacheKey(), ofBucket: (bucket) => keys.indexKey(parseBucket(bucket)) });
  const written = (): number => recorder.size;
  const recordings = new Recordings({ data, keys, index, follower, findProtocol, written, published: Promise.resolve(0), onDifference });
  const search = new RecordSearch({
    data,
    keys,
    findProtocol,
    boundary: new Boundary(factNamesOfAll(protocols)),
    keyOf,
    written,
    onDifference,
    recordings,
    index: new SearchedIndex(() => store, new RecordIndex({ data, keys, findProtocol, recall: () => Promise.resolve(null), rowsMax: 10, store })),
  });
  return { search, follower, recordings, database };
}
