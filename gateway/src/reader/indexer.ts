import type { KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Alert } from '../alerts/alert.ts';
import type { AboutAlert } from '../alerts/alert-book.ts';
import { GatewayError } from '../domain/errors.ts';
import type { RecalledSession } from '../search/record-index.ts';
import type { IndexMaker } from '../search/searched-index.ts';
import type { FeedNews, FeedSettings } from './feed-news.ts';
import type { SentError } from './questions.ts';
import { receiveError } from './sent-error.ts';

/** A question waits at most this long for the thread to begin. */
const readyMs = 10_000;
/** A lost thread is started again after this time. */
const restartMs = 1000;
/** V8 lets the young objects of the thread fill so many megabytes before it looks which are garbage. */
const maxYoungGenerationSizeMb = 12;

/** The `workerData` of the thread. `records` is the memory of the `IndexState` of the index of records. */
export interface IndexerData {
  readonly data: string;
  /** The root secrets by which the keys of the store may be wrapped. */
  readonly roots: readonly [KeyObject, ...KeyObject[]];
  readonly records: SharedArrayBuffer;
  readonly settings: FeedSettings | null;
}

export type IndexerQuestion = 'catchUp' | 'rebuild' | { readonly dropErased: number | null } | { readonly expectRoot: KeyObject } | 'alerts' | 'lacksAlerts';

/** A message to the thread. Each question has one answer with its `call`. `feed` has the settings of what follows the record, `alerts` what is on record about alerts. */
export type ToIndexer =
  | { readonly call: number; readonly ask: IndexerQuestion }
  | { readonly feed: FeedSettings }
  | { readonly alerts: readonly AboutAlert[] }
  | { readonly recalled: string; readonly found: RecalledSession | null }
  | { readonly stop: true };

export type FromIndexer =
  | { readonly ready: true }
  | { readonly call: number; readonly answered: unknown }
  | { readonly call: number; readonly failed: SentError }
  | { readonly trouble: { readonly what: string; readonly error: SentError } }
  | { readonly recall: string }
  | { readonly news: FeedNews };

export interface IndexerParts extends Omit<IndexerData, 'settings' | 'roots'> {
  readonly roots: () => IndexerData['roots'];
  /** The module of the thread. */
  readonly thread: URL;
  readonly settings: () => FeedSettings | null;
  /** Returns what is known of a session, once the index of sessions is whole. */
  readonly recall: (session: string) => Promise<RecalledSession | null>;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly onNews: (news: FeedNews) => void;
  /** Called each time that a thread is ready. It may have made a new `records.db`. */
  readonly onReady: () => void;
}

/** The thread that makes the index of records, as the thread that reads sees it. If it is lost, what was asked of it fails, and it is started again. */
export class Indexer implements IndexMaker, AsyncDisposable {
  readonly #parts: IndexerParts;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #worker: Worker;
  #isRunning = false;
  #calls = 0;
  #isStopping = false;
  readonly #ready = Promise.withResolvers<void>();

  constructor(parts: IndexerParts) {
    this.#parts = parts;
    this.#worker = this.#start();
  }

  /** Resolves when the thread was ready for the first time. Rejects with GatewayError `catching_up` if that takes too long. */
  async whenReady(): Promise<void> {
    const isReady = await Promise.race([this.#ready.promise.then(() => true), delay(readyMs, false, { ref: false })]);
    if (!isReady) {
      throw lost();
    }
  }

  async catchUp(): Promise<void> {
    await this.#ask('catchUp');
  }

  async rebuild(): Promise<void> {
    await this.#ask('rebuild');
  }

  async dropErased(from: number | null): Promise<void> {
    await this.#ask({ dropErased: from });
  }

  /** Gives the thread a root secret by which keys may be wrapped from now on. Resolves when it has it. */
  async expectRoot(next: KeyObject): Promise<void> {
    await this.#ask({ expectRoot: next });
  }

  /** Returns the alerts as far as they are known, oldest first. */
  async alerts(): Promise<readonly Alert[]> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- index-thread.ts answers with them
    return (await this.#ask('alerts')) as readonly Alert[];
  }

  /** Returns whether what is on record about alerts is to be given to `recallAlerts`. */
  async lacksAlerts(): Promise<boolean> {
    return (await this.#ask('lacksAlerts')) === true;
  }

  recallAlerts(alerts: readonly AboutAlert[]): void {
    this.#send({ alerts });
  }

  enforce(feed: FeedSettings): void {
    this.#send({ feed });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    if (!this.#isRunning) {
      return;
    }
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#send({ stop: true });
    await ended;
  }

  #start(): Worker {
    const { data, roots, records, thread, settings, onTrouble, onNews, onReady } = this.#parts;
    const workerData: IndexerData = { data, roots: roots(), records, settings: settings() };
    const worker = new Worker(thread, { workerData, resourceLimits: { maxYoungGenerationSizeMb } });
    worker.on('message', (message: FromIndexer) => {
      if ('ready' in message) {
        onReady();
        this.#ready.resolve();
      } else if ('answered' in message) {
        this.#take(message.call)?.resolve(message.answered);
      } else if ('failed' in message) {
        this.#take(message.call)?.reject(receiveError(message.failed));
      } else if ('recall' in message) {
        void this.#recall(worker, message.recall);
      } else if ('trouble' in message) {
        onTrouble(receiveError(message.trouble.error), message.trouble.what);
      } else {
        onNews(message.news);
      }
    });
    worker.on('error', (error) => {
      onTrouble(error, 'keep the index of records');
    });
    this.#isRunning = true;
    worker.once('exit', () => {
      this.#isRunning = false;
      for (const call of this.#waiting.keys()) {
        this.#take(call)?.reject(lost());
      }
      void this.#restart();
    });
    return worker;
  }

  async #restart(): Promise<void> {
    await delay(restartMs, null, { ref: false });
    if (!this.#isStopping) {
      this.#worker = this.#start();
    }
  }

  async #recall(worker: Worker, session: string): Promise<void> {
    const found = await this.#parts.recall(session);
    this.#send({ recalled: session, found }, worker);
  }

  #take(call: number): PromiseWithResolvers<unknown> | undefined {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    return waiting;
  }

  async #ask(ask: IndexerQuestion): Promise<unknown> {
    if (!this.#isRunning) {
      throw lost();
    }
    this.#calls += 1;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#calls, answer);
    this.#send({ call: this.#calls, ask });
    return answer.promise;
  }

  #send(message: ToIndexer, worker = this.#worker): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(message);
  }
}

function lost(): GatewayError {
  return new GatewayError('catching_up', 'The thread that makes the index of records is not there, and is being started. Ask again in a moment.');
}
