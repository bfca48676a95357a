/** The thread that makes the index of records, for who follows the record too: the watch for alerts, and the streams to sinks. `reader/indexer.ts` starts it. */
import { readlinkSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import { basename, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { factNamesOfAll } from './domain/facts-only.ts';
import { IndexState } from './feed/index-state.ts';
import { openIndexFile, removeIndexFile } from './feed/session-index.ts';
import { openFeeds } from './reader/feeds.ts';
import { findProtocol, protocols } from './protocols/registry.ts';
import type { FromIndexer, IndexerData, IndexerQuestion, ToIndexer } from './reader/indexer.ts';
import { sendError } from './reader/sent-error.ts';
import { KeyStore } from './recording/key-store.ts';
import { blockKeysOf, BlockStore } from './search/block-store.ts';
import { RecordIndex, type RecalledSession } from './search/record-index.ts';
import { Boundary } from './search/sight.ts';
import { isUnreadable } from './store/sqlite.ts';

/** Where processors are short, the thread gets a tenth of what one that serves gets. */
const niceness = 10;
/**
 * The thread that serves, and those that collect its garbage and sync its files, need up to two processors. With fewer than `processorsMin`, making the index takes from them, whatever its
 * priority is, and so it rests most of the time while the thread that serves is busy for more than `fullLoad` of its time: docs/adr/0068-the-index-rests-under-full-load.md.
 */
const processorsMin = 4;
const restsPerWork = 9;
const fullLoad = 0.6;

const port = parentPort;
if (port === null) {
  throw new Error('index-thread.ts is not started as a thread');
}
const send = (message: FromIndexer): void => {
  port.postMessage(message);
};
const report = (what: string, error: unknown): void => {
  send({ trouble: { what, error: sendError(error) } });
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- indexer.ts starts the thread with it
const { data, roots, records, settings } = workerData as IndexerData;
const file = join(data, 'records.db');
const parts = new AsyncDisposableStack();
const leaving = new AbortController();
/** Gives up an index that cannot be read: removes it and ends the thread. The next thread makes a new one. */
const giveUpDamaged = (error: unknown): void => {
  if (isUnreadable(error)) {
    removeIndexFile(file);
    setImmediate(() => {
      throw error;
    });
  }
};

try {
  // On Linux this is the number of the thread, whose priority is its own.
  setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness);
} catch (error) {
  report('give the thread that makes the index of records a lower priority, so that it may slow down what is served', error);
}
const keys = parts.use(KeyStore.openBeside(join(data, 'keys.db'), roots));
const store = new BlockStore(parts.use(openIndexFile(file)), blockKeysOf(keys));
/** The questions about sessions to the thread that reads, by the session. */
const recalled = new Map<string, PromiseWithResolvers<RecalledSession | null>>();
const recall = async (session: string): Promise<RecalledSession | null> => {
  const asked = recalled.get(session) ?? Promise.withResolvers<RecalledSession | null>();
  if (!recalled.has(session)) {
    recalled.set(session, asked);
    send({ recall: session });
  }
  return asked.promise;
};
const feeds =
  settings === null
    ? null
    : parts.use(
        openFeeds({
          settings,
          data,
          keys,
          blockOf: (index) => maker.blockOf(index),
          findProtocol,
          keyOf: async (session) => (await recall(session))?.key ?? null,
          boundary: new Boundary(factNamesOfAll(protocols)),
          send,
        }),
      );
const state = new IndexState(records);
const maker: RecordIndex = new RecordIndex({
  data,
  keys,
  store,
  findProtocol,
  recall,
  state,
  followers: feeds === null ? [] : [feeds],
  ...(availableParallelism() < processorsMin ? { restPerWork: () => (state.load < fullLoad ? 0 : restsPerWork) } : {}),
});
const following = maker.follow(leaving.signal, (error) => {
  report('keep the index of records', error);
  giveUpDamaged(error);
});
const answer = async (ask: IndexerQuestion): Promise<unknown> => {
  if (typeof ask === 'object') {
    if ('dropErased' in ask) {
      return maker.dropErased(ask.dropErased);
    }
    keys.expectRoot(ask.expectRoot);
    return null;
  }
  switch (ask) {
    case 'catchUp':
      return maker.catchUp();
    case 'rebuild':
      return maker.rebuild();
    case 'alerts':
      return feeds?.alerts ?? [];
    case 'lacksAlerts':
      return feeds?.lacksAlerts ?? false;
    default:
      return ask satisfies never;
  }
};
const stop = async (): Promise<void> => {
  await following;
  await parts.disposeAsync();
  port.close();
};
const reply = async (call: number, ask: IndexerQuestion): Promise<void> => {
  try {
    send({ call, answered: await answer(ask) });
  } catch (error) {
    send({ call, failed: sendError(error) });
    giveUpDamaged(error);
  }
};
port.on('message', (message: ToIndexer) => {
  if ('stop' in message) {
    leaving.abort();
    for (const asked of recalled.values()) {
      asked.resolve(null);
    }
    void stop();
  } else if ('recalled' in message) {
    recalled.get(message.recalled)?.resolve(message.found);
    recalled.delete(message.recalled);
  } else if ('feed' in message) {
    feeds?.enforce(message.feed);
  } else if ('alerts' in message) {
    feeds?.recall(message.alerts);
  } else {
    void reply(message.call, message.ask);
  }
});
send({ ready: true });
