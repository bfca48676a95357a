/** The reader thread of a gateway: builds the parts that read what was recorded, and answers questions with them. `reader/reader.ts` starts it. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { Follower } from './feed/follower.ts';
import { Recordings } from './feed/recordings.ts';
import { openIndexFile, removeIndexFile, SessionIndex } from './feed/session-index.ts';
import type { FindProtocol } from './feed/timeline.ts';
import { answerQuestion, type AnswerParts } from './reader/answer.ts';
import type { FromThread } from './reader/questions.ts';
import type { ThreadData } from './reader/reader.ts';
import { sendError } from './reader/sent-error.ts';
import { serveQuestions } from './reader/serve-questions.ts';
import { KeyStore } from './recording/key-store.ts';
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
const indexFile = join(data, 'index.db');
const parts = new AsyncDisposableStack();
const stop = async (): Promise<void> => {
  await parts.disposeAsync();
  port.close();
};
/** Gives up an index that cannot be read: removes it and ends the thread. The next thread makes a new one. */
const giveUpDamaged = (error: unknown): void => {
  if (isUnreadable(error)) {
    removeIndexFile(indexFile);
    setImmediate(() => {
      throw error;
    });
  }
};
let written = 0;
let findProtocol: FindProtocol = () => undefined;
try {
  const keys = parts.use(KeyStore.openBeside(join(data, 'keys.db'), root));
  const index = new SessionIndex(parts.use(openIndexFile(indexFile)), keys.cacheKey());
  const follower = parts.use(
    await Follower.begin(data, keys, index, (error) => {
      send({ trouble: { what: 'follow the journal', error: sendError(error) } });
      giveUpDamaged(error);
    }),
  );
  const recordings = new Recordings({
    data,
    keys,
    index,
    follower,
    findProtocol: (id) => findProtocol(id),
    written: () => written,
    published: Promise.resolve(0),
    onDifference: (what) => {
      send({ differs: what });
    },
  });
  // The protocols take longest to load and many gateways never show a record, so they are loaded only when needed.
  const loadProtocols = async (): Promise<void> => {
    ({ findProtocol } = await import('./protocols/registry.ts'));
  };
  const loadRules: AnswerParts['loadRules'] = async (policies) => new (await import('./recorded-limits.ts')).RecordedLimits(policies);
  serveQuestions(port, {
    answer: (question, left) => answerQuestion({ data, keys, index, follower, recordings, loadProtocols, loadRules }, question, left),
    onFailure: giveUpDamaged,
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
