import { Follower } from '../../feed/follower.ts';
import { Recordings } from '../../feed/recordings.ts';
import { SessionIndex } from '../../feed/session-index.ts';
import { sessionKeys } from '../../feed/session-keys.ts';
import type { KeyStore } from '../../recording/key-store.ts';
import type { Recorder } from '../../recording/recorder.ts';
import { factNamesOfAll } from '../../domain/facts-only.ts';
import { findProtocol, protocols } from '../../protocols/registry.ts';
import { openMemorySqlite, type Sqlite } from '../../store/sqlite.ts';
import { blockKeysOf, BlockStore } from '../block-store.ts';
import { RecordIndex, type RecalledSession } from '../record-index.ts';
import { RecordSearch } from '../record-search.ts';
import { SearchedIndex } from '../searched-index.ts';
import { Boundary } from '../sight.ts';

interface OpenSearchOptions {
  readonly onDifference?: (what: string) => void;
  /** The database for the stored blocks; a new one in memory by default. */
  readonly database?: Sqlite;
  /** Most records in a block; ten by default. */
  readonly rowsMax?: number;
}

interface OpenedSearch {
  readonly search: RecordSearch;
  readonly maker: RecordIndex;
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
  { onDifference = () => undefined, database = openMemorySqlite(), rowsMax = 10 }: OpenSearchOptions = {},
): Promise<OpenedSearch> {
  const index = new SessionIndex(openMemorySqlite(), keys.cacheKey());
  const follower = await Follower.open(data, keys, index, (error) => {
    throw error;
  });
  const keyOf = sessionKeys(follower, index);
  const store = new BlockStore(database, blockKeysOf(keys));
  const written = (): number => recorder.size;
  const recall = async (session: string): Promise<RecalledSession | null> => {
    await follower.catchUp();
    const found = index.find(session);
    return found === null ? null : { key: found.key, secrets: found.secrets, isOwn: found.own, parts: [...index.parts(found.id, 0)] };
  };
  const recordings = new Recordings({ data, keys, index, follower, findProtocol, written, published: Promise.resolve(0), onDifference });
  const maker = new RecordIndex({ data, keys, findProtocol, recall, rowsMax, store });
  const search = new RecordSearch({
    data,
    keys,
    findProtocol,
    boundary: new Boundary(factNamesOfAll(protocols)),
    keyOf,
    written,
    onDifference,
    recordings,
    index: new SearchedIndex(() => store, maker),
  });
  return { search, maker, follower, recordings, database };
}
