/** The reader thread of a gateway: builds the parts that read what was recorded, and answers questions with them. `reader/reader.ts` starts it. */
import type { KeyObject } from 'node:crypto';
import { extname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { factNamesOfAll } from './domain/facts-only.ts';
import { Follower } from './feed/follower.ts';
import { IndexState } from './feed/index-state.ts';
import { Recordings } from './feed/recordings.ts';
import { openIndexFile, removeIndexFile, SessionIndex } from './feed/session-index.ts';
import { sessionKeys } from './feed/session-keys.ts';
import type { FindProtocol } from './feed/timeline.ts';
import { findAlertRecords } from './reader/recorded-alerts.ts';
import type { FeedSettings } from './reader/feed-news.ts';
import { Indexer } from './reader/indexer.ts';
import { answerQuestion, type AnswerParts } from './reader/answer.ts';
import type { FromThread } from './reader/questions.ts';
import type { ThreadData } from './reader/reader.ts';
import { sendError } from './reader/sent-error.ts';
import { serveQuestions } from './reader/serve-questions.ts';
import { KeyStore, withRoot } from './recording/key-store.ts';
import { blockKeysOf, BlockStore } from './search/block-store.ts';
import { RecordSearch } from './search/record-search.ts';
import { SearchedIndex } from './search/searched-index.ts';
import { Boundary } from './search/sight.ts';
import { isUnreadable, openSqliteReadOnly, type Sqlite } from './store/sqlite.ts';

const port = parentPort;
if (port === null) {
  throw new Error('reader-thread.ts is not started as a thread');
}
const send = (message: FromThread): void => {
  port.postMessage(message);
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- reader.ts starts the thread with it
const { data, roots } = workerData as ThreadData;
/** The index of records is made from this time after the start on, or when somebody searches. Where there are sinks for it, it begins at once. */
const indexBeginMs = 5000;
const indexFile = join(data, 'index.db');
const recordsFile = join(data, 'records.db');
const parts = new AsyncDisposableStack();
const stop = async (): Promise<void> => {
  await parts.disposeAsync();
  port.close();
};
/** Gives up the indexes if one cannot be read: removes them and ends the thread. The next thread makes new ones. */
const giveUpDamaged = (error: unknown): void => {
  if (isUnreadable(error)) {
    removeIndexFile(indexFile);
    removeIndexFile(recordsFile);
    setImmediate(() => {
      throw error;
    });
  }
};
let written = 0;
/** How far the index of records is. */
const records = new IndexState();
let feedSettings: FeedSettings | null = null;
/** True once a thread follows the record. */
let isFollowed = false;
let indexer: Indexer | null = null;
let searched: SearchedIndex | null = null;
let findProtocol: FindProtocol = () => undefined;
let boundary = new Boundary(new Set());
try {
  const keys = parts.use(KeyStore.openBeside(join(data, 'keys.db'), roots));
  let shared = roots;
  const index = new SessionIndex(parts.use(openIndexFile(indexFile)), keys.cacheKey());
  const follower = parts.use(
    await Follower.begin(data, keys, index, (error) => {
      send({ trouble: { what: 'follow the journal', error: sendError(error) } });
      giveUpDamaged(error);
    }),
  );
  const onDifference = (what: string): void => {
    send({ differs: what });
  };
  const recordings = new Recordings({
    data,
    keys,
    index,
    follower,
    findProtocol: (id) => findProtocol(id),
    written: () => written,
    published: Promise.resolve(0),
    onDifference,
  });
  // The protocols take longest to load and many gateways never show a record, so they are loaded only when needed.
  const loadProtocols = async (): Promise<void> => {
    const registry = await import('./protocols/registry.ts');
    ({ findProtocol } = registry);
    boundary = new Boundary(factNamesOfAll(registry.protocols));
  };
  let search: Promise<RecordSearch> | null = null;
  const openSearch = async (): Promise<RecordSearch> => {
    await loadProtocols();
    search ??= openRecordSearch();
    try {
      return await search;
    } catch (error) {
      search = null;
      throw error;
    }
  };
  const startIndexer = (): Indexer => {
    indexer ??= parts.use(
      new Indexer({
        data,
        roots: () => shared,
        thread: new URL(`index-thread${extname(import.meta.filename)}`, import.meta.url),
        records: records.memory,
        // The first thread begins with the records of this start, which were made before it. One that takes the place of a lost one goes on where the log is.
        settings: () => (feedSettings === null || !isFollowed ? feedSettings : { ...feedSettings, written: Math.max(feedSettings.written, records.written) }),
        recall: async (session) => {
          // Until it is whole, the whole journal would have to be searched.
          await follower.state.whenWhole(Infinity);
          const found = await recordings.find(session).catch(() => null);
          return found === null ? null : { key: found.key, secrets: found.secrets, isOwn: found.own, parts: [...index.parts(found.id, 0)] };
        },
        onTrouble: (error, what) => {
          send({ trouble: { what, error: sendError(error) } });
        },
        onNews: (news) => {
          send({ news });
        },
        onReady: () => {
          isFollowed = true;
          searched?.reopen();
          recallAlerts();
        },
      }),
    );
    return indexer;
  };
  const openRecordSearch = async (): Promise<RecordSearch> => {
    const maker = startIndexer();
    await maker.whenReady();
    const blockKeys = blockKeysOf(keys);
    let database: Sqlite | null = null;
    const openStore = (): BlockStore => {
      database = openSqliteReadOnly(recordsFile);
      return new BlockStore(database, blockKeys, { isReader: true });
    };
    searched = new SearchedIndex(openStore, maker);
    // This comes before the other thread closes its database: the last connection writes the write-ahead log into the file.
    parts.defer(() => {
      database?.close();
    });
    const keyOf = sessionKeys(follower, index);
    return new RecordSearch({ data, keys, index: searched, recordings, findProtocol, boundary, keyOf, written: () => written, onDifference });
  };
  const shareRoot = async (next: KeyObject): Promise<void> => {
    shared = withRoot(shared, next);
    await indexer?.expectRoot(next);
  };
  /** A thread that is not there yet drops what has no key when it begins, and is begun where secrets ended by themselves. */
  const dropErasedRecords = async (from: number | null): Promise<void> => {
    if (from !== null) {
      await openSearch();
    }
    await indexer?.dropErased(from);
  };
  /** If the file of the alerts is gone, finds what is on record about them. */
  const findLackedAlerts = async (): Promise<void> => {
    const maker = startIndexer();
    if (await maker.lacksAlerts()) {
      maker.recallAlerts(await findAlertRecords(await openSearch(), data));
    }
  };
  const listAlerts: AnswerParts['alerts'] = async () => {
    await (await openSearch()).catchUp();
    return startIndexer().alerts();
  };
  const recallAlerts = (): void => {
    findLackedAlerts().catch((error: unknown) => {
      // A thread that stops meanwhile opens nothing more.
      if (!parts.disposed) {
        send({ trouble: { what: 'find the alerts of before', error: sendError(error) } });
      }
    });
  };
  // A gateway that has just begun to serve has better things to do, unless somebody is to hear of what is recorded.
  const begin = setTimeout(startIndexer, indexBeginMs);
  parts.defer(() => {
    clearTimeout(begin);
  });
  const loadRules: AnswerParts['loadRules'] = async (policies) => new (await import('./policies/recorded-limits.ts')).RecordedLimits(policies);
  serveQuestions(port, {
    answer: (question, left) =>
      answerQuestion(
        { data, keys, index, follower, recordings, loadProtocols, loadRules, openSearch, dropErasedRecords, shareRoot, alerts: listAlerts },
        question,
        left,
      ),
    onFailure: giveUpDamaged,
    onFeed: (settings) => {
      feedSettings = settings;
      indexer?.enforce(settings);
      if (indexer === null && (settings.sinks.length > 0 || settings.rules.some(({ to }) => to.length > 0))) {
        startIndexer();
      }
    },
    onWritten: (count) => {
      written = count;
    },
    onStop: () => void stop(),
  });
  send({ ready: { memory: follower.state.memory, records: records.memory } });
} catch (error) {
  send({ failed: sendError(error) });
  await stop();
}
