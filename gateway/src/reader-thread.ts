/** The reader thread of a gateway: builds the parts that read what was recorded, and answers questions with them. `reader/reader.ts` starts it. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { factNamesOfAll } from './domain/facts-only.ts';
import { Follower } from './feed/follower.ts';
import { Recordings } from './feed/recordings.ts';
import { openIndexFile, removeIndexFile, SessionIndex } from './feed/session-index.ts';
import type { FindProtocol } from './feed/timeline.ts';
import type { Feeds } from './feeds.ts';
import { answerQuestion, type AnswerParts } from './reader/answer.ts';
import type { FeedSettings } from './reader/feed-news.ts';
import type { FromThread } from './reader/questions.ts';
import type { ThreadData } from './reader/reader.ts';
import { sendError } from './reader/sent-error.ts';
import { serveQuestions } from './reader/serve-questions.ts';
import { KeyStore } from './recording/key-store.ts';
import { BlockStore, parseBucket } from './search/block-store.ts';
import { RecordIndex } from './search/record-index.ts';
import { RecordSearch } from './search/record-search.ts';
import { Boundary } from './search/sight.ts';
import { isUnreadable } from './store/sqlite.ts';

const port = parentPort;
if (port === null) {
  throw new Error('reader-thread.ts is not started as a thread');
}
const send = (message: FromThread): void => {
  port.postMessage(message);
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- reader.ts starts the thread with it
const { data, root } = workerData as ThreadData;
/** The index of records is followed from this time after the start on, or when somebody searches. */
const searchBeginMs = 5000;
const indexFile = join(data, 'index.db');
const recordsFile = join(data, 'records.db');
const parts = new AsyncDisposableStack();
type OpenFeeds = (typeof import('./feeds.ts'))['openFeeds'];
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
let feeds: Feeds | null = null;
let feedSettings: FeedSettings | null = null;
let findProtocol: FindProtocol = () => undefined;
let boundary = new Boundary(new Set());
try {
  const keys = parts.use(KeyStore.openBeside(join(data, 'keys.db'), root));
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
  let search: RecordSearch | null = null;
  const openSearch = async (): Promise<RecordSearch> => {
    await loadProtocols();
    const { openFeeds } = await import('./feeds.ts');
    search ??= openRecordSearch(openFeeds);
    return search;
  };
  const openRecordSearch = (openFeeds: OpenFeeds): RecordSearch => {
    const store = new BlockStore(parts.use(openIndexFile(recordsFile)), {
      heads: keys.cacheKey(),
      ofBucket: (bucket) => keys.indexKey(parseBucket(bucket)),
    });
    const keyOf = (session: string): number | null => follower.findLive(session)?.key ?? index.find(session)?.key ?? null;
    const records = new RecordIndex({
      data,
      keys,
      store,
      findProtocol,
      keyOf,
      onRecord: (at, read) => {
        feeds?.add(at, read);
      },
      beforeStored: async () => feeds?.save(),
    });
    if (feedSettings !== null) {
      feeds = parts.use(openFeeds({ settings: feedSettings, data, keys, records, findProtocol, keyOf, boundary, send }));
    }
    const leaving = new AbortController();
    const following = records.follow(leaving.signal, (error) => {
      send({ trouble: { what: 'keep the index of records', error: sendError(error) } });
      giveUpDamaged(error);
    });
    parts.defer(async () => {
      leaving.abort();
      await following;
    });
    const opened = new RecordSearch({ data, keys, index: records, recordings, findProtocol, boundary, keyOf, written: () => written, onDifference });
    void feeds?.recall(opened).catch((error: unknown) => {
      send({ trouble: { what: 'find the alerts of before', error: sendError(error) } });
    });
    return opened;
  };
  const listAlerts: AnswerParts['alerts'] = async () => {
    await (await openSearch()).catchUp();
    return feeds?.alerts ?? [];
  };
  // A gateway that has just begun to serve has better things to do than to load what shows records.
  const begin = setTimeout(() => {
    openSearch().catch((error: unknown) => {
      // A thread that stops meanwhile opens nothing more.
      if (!parts.disposed) {
        send({ trouble: { what: 'open the index of records', error: sendError(error) } });
      }
    });
  }, searchBeginMs);
  parts.defer(() => {
    clearTimeout(begin);
  });
  const loadRules: AnswerParts['loadRules'] = async (policies) => new (await import('./recorded-limits.ts')).RecordedLimits(policies);
  serveQuestions(port, {
    answer: (question, left) =>
      answerQuestion({ data, keys, index, follower, recordings, loadProtocols, loadRules, openSearch, alerts: listAlerts }, question, left),
    onFailure: giveUpDamaged,
    onFeed: (settings) => {
      feedSettings = settings;
      feeds?.enforce(settings);
    },
    onWritten: (records) => {
      written = records;
    },
    onStop: () => void stop(),
  });
  send({ ready: { memory: follower.state.memory } });
} catch (error) {
  send({ failed: sendError(error) });
  await stop();
}
