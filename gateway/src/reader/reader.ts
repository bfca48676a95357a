import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Alert } from '../alerts/alert.ts';
import { wholeSight, type Sight } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import type { TargetNote } from '../domain/service.ts';
import type { UsedAmount } from '../domain/usage.ts';
import type { LeftActivity, WantedActivities } from '../feed/left-activities.ts';
import type { FoundRecord } from '../feed/recordings.ts';
import type { WantedUsage } from '../feed/recorded-usage.ts';
import type { SessionPage } from '../feed/shown-record.ts';
import type { Erasable, WantedErasable } from '../recording/erasable.ts';
import type { FoundSecrets, WantedSecrets } from '../recording/found-secrets.ts';
import type { MessageRange } from '../recording/message-bytes.ts';
import { IndexState } from '../feed/index-state.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import { removeIndexFile, type IndexedSession } from '../feed/session-index.ts';
import { TargetNotes } from '../feed/target-notes.ts';
import { everything, type Query } from '../query/query.ts';
import type { FoundRecord as VerifiedRecord, SavedSearch, WantedRecords, WantedSessions, WantedExport } from '../search/found.ts';
import type { Reviews, WantedReviews } from '../search/reviews.ts';
import { withRoot } from '../recording/key-store.ts';
import type { KeptSecrets } from '../recording/kept-secrets.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { isUnreadable, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import type { ExportForm } from './export-lines.ts';
import type { FeedNews, FeedSettings } from './feed-news.ts';
import { Seats } from './seats.ts';
import type { FromThread, IndexRebuilt, Question, ToThread, TracedRecord, WantedEvidence } from './questions.ts';
import { receiveError } from './sent-error.ts';

/** V8 lets the young objects of a thread fill so many megabytes before it looks which are garbage; its default is four times as much. */
const maxYoungGenerationSizeMb = 12;
/** A lost thread is started again after this time. */
const restartMs = 1000;
/** A question waits at most this long for a thread that is being started again. */
const questionMs = 3000;
/** Most answers that are read at a time, because each holds pieces that its reader has not taken yet. */
const readingMax = 16;
/** Most sessions that are watched at a time. They are counted separately, because a watch lasts as long as its session. */
const watchingMax = 64;
/** An answer waits at most this long for its turn. */
const seatMs = 30_000;
/** The thread of the index is told this often how busy this one was, and how much is recorded: before it is started again after it was lost. */
const tellMs = 200;
/** At a stop the thread has this much time to write the index. The next start finds in the journal what is missing. */
const stopMs = 5000;

export interface ReaderParts {
  readonly data: string;
  /** The module of the thread. */
  readonly thread: URL;
  readonly root: KeyObject;
  /** `KeyStore.cacheKey()`. */
  readonly cacheKey: KeyObject;
  /** Returns the number of records in the log. */
  readonly written: () => number;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** How long an answer waits for its turn; half a minute by default. */
  readonly seatMs?: number;
  /** Absent: nothing else follows the record. */
  readonly feeds?: {
    /** Returns the settings that are in force. */
    readonly settings: () => FeedSettings;
    readonly onNews: (news: FeedNews) => void;
  };
  /** Told when the index did not agree with the journal, and is made again. */
  readonly onDifference: (what: string) => void;
}

/** The `workerData` of the thread's module. */
export interface ThreadData {
  readonly data: string;
  /** The root secrets by which the keys may be wrapped. */
  readonly roots: readonly [KeyObject, ...KeyObject[]];
}

/** A thread that is ready. */
interface Running {
  readonly worker: Worker;
  readonly state: IndexState;
  readonly records: IndexState;
  readonly database: Sqlite;
  readonly notes: TargetNotes;
}

type Reply = Extract<FromThread, { readonly call: number }>;

/**
 * The reader thread, as the thread that serves clients sees it. It follows the journal, keeps the index, and answers questions about what was recorded, without
 * delaying a client. If the thread is lost it is started again; its unanswered questions fail. Answers come in pieces, and no more pieces are made than are
 * taken.
 */
export class Reader implements AsyncDisposable {
  readonly #parts: ReaderParts;
  readonly #waiting = new Map<number, (reply: Reply | Error) => void>();
  readonly #lost = new GatewayError('catching_up', 'The thread that reads recordings stopped and is being started again. Ask again in a moment.');
  #running: Running | null = null;
  #started = Promise.withResolvers<void>();
  /** A short answer needs no seat. */
  readonly #seats: Readonly<Partial<Record<Question['ask'], Seats>>>;
  /** The root secrets by which the keys of the store may be wrapped. */
  #roots: readonly [KeyObject, ...KeyObject[]];
  readonly #noIndex = new IndexState();
  #calls = 0;
  readonly #stopping = new AbortController();
  readonly #telling: NodeJS.Timeout;

  private constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#roots = [parts.root];
    let last = performance.eventLoopUtilization();
    this.#telling = setInterval(() => {
      const now = performance.eventLoopUtilization();
      this.records.load = performance.eventLoopUtilization(now, last).utilization;
      last = now;
      this.records.written = parts.written();
    }, tellMs).unref();
    const reading = new Seats(readingMax);
    this.#seats = {
      list: reading,
      search: reading,
      export: new Seats(watchingMax),
      keptSecrets: reading,
      sessions: reading,
      reviews: reading,
      show: reading,
      trace: reading,
      compare: reading,
      bytes: reading,
      bundle: reading,
      evidence: reading,
      watch: new Seats(watchingMax),
    };
  }

  /** Starts the thread. Resolves before the index is whole. Rejects with the errors of opening the store. */
  static async open(parts: ReaderParts): Promise<Reader> {
    const reader = new Reader(parts);
    try {
      await reader.#start();
    } catch (error) {
      if (error !== reader.#lost) {
        throw error;
      }
      // The thread found an index that cannot be read. The next thread makes a new one; the start does not wait for that.
      void reader.#restart();
    }
    return reader;
  }

  /** How far the index is. */
  get state(): IndexState {
    return this.#running?.state ?? this.#noIndex;
  }

  /** How far the index of records is. */
  get records(): IndexState {
    return this.#running?.records ?? this.#noIndex;
  }

  /** The notes of a protocol about its targets; undefined while the index is not whole. */
  told(protocol: string): readonly TargetNote[] | undefined {
    return this.#recall((notes) => notes.of(protocol));
  }

  /** A note of the gateway itself about a target: null if there is none, undefined while the index is not whole. */
  toldByGateway(target: string, key: string): string | null | undefined {
    return this.#recall((notes) => notes.find('gateway', target, key));
  }

  /** Finds a session with records that are seen. Rejects with GatewayError `not_found`; and, like all questions to the thread, `catching_up` or `store_damaged`. */
  async find(session: string, seen: Query = everything): Promise<IndexedSession> {
    return this.#one({ ask: 'find', session, seen });
  }

  /** Returns whether all records of a session are among those that are seen. */
  async covers(session: string, seen: Query): Promise<boolean> {
    return this.#one({ ask: 'covers', session, seen });
  }

  /** Yields lines of JSON, each a `SessionSummary`. */
  list(page: SessionPage, seen: Query = everything): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'list', page, seen });
  }

  /** Finds a record by its index in the log. Also rejects with GatewayError `not_found`. */
  async locate(index: number, seen: Query = everything): Promise<FoundRecord> {
    return this.#one({ ask: 'locate', index, seen });
  }

  /** Finds the record of a version of the policies. Also rejects with GatewayError `not_found`. */
  async locatePolicy(version: string): Promise<FoundRecord> {
    return this.#one({ ask: 'locatePolicy', version });
  }

  /** Yields lines of JSON, each a `ShownRecord`; with `only`, the one with this number; with `hasTables`, rows as tables too. */
  show(found: IndexedSession, only: number | null = null, sight: Sight = wholeSight, hasTables = false): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'show', found, only, sight, hasTables });
  }

  /** Follows the values and the causes of a record, as far as whoever asks sees records. */
  async trace(found: IndexedSession, seq: number, sight: Sight): Promise<TracedRecord> {
    return this.#one({ ask: 'trace', found, seq, sight });
  }

  /** Yields lines of JSON, each a `SideBySide`. Also throws GatewayError `limit_exceeded`. */
  compare(a: IndexedSession, b: IndexedSession, sight: Sight): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'compare', a, b, sight });
  }

  /** Yields records as `show` does, and then new ones until the session closes or the signal aborts. */
  watch(found: IndexedSession, signal: AbortSignal, sight: Sight = wholeSight, hasTables = false): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'watch', found, sight, hasTables }, signal);
  }

  bytes(found: IndexedSession, range: MessageRange): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'bytes', found, range });
  }

  /** Yields the lines of a bundle, with the policies that decided if they are wanted. Also throws GatewayError `conflict`. */
  bundle(found: IndexedSession, checkpoint: PublishedCheckpoint, { policies }: { readonly policies: boolean }): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'bundle', found, checkpoint, policies });
  }

  /** Finds the sessions with records for which a query holds, the oldest first. Also rejects with GatewayError `malformed` or `limit_exceeded`. */
  async sessionsWith(wanted: Pick<WantedRecords, 'query' | 'besides' | 'nowMs' | 'sight' | 'limit'>): Promise<readonly IndexedSession[]> {
    return this.#one({ ask: 'sessionsWith', wanted });
  }

  /** Yields the lines of evidence (docs/formats/evidence.md). Also throws GatewayError `conflict` or `limit_exceeded`. */
  evidence(wanted: WantedEvidence): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'evidence', wanted });
  }

  /** Returns a C2SP tlog-proof. Also throws GatewayError `not_found`. */
  async receipt(index: number, checkpoint: PublishedCheckpoint): Promise<string> {
    return this.#one({ ask: 'receipt', index, checkpoint });
  }

  /** Yields how much of limits was used, as far as the journal tells. */
  usage(wanted: WantedUsage, signal: AbortSignal): AsyncGenerator<readonly UsedAmount[]> {
    return this.#ask({ ask: 'usage', wanted }, signal);
  }

  /** Yields the activities of tokens that ended with the gateway, each once. */
  activities(wanted: WantedActivities, signal: AbortSignal): AsyncGenerator<LeftActivity> {
    return this.#ask({ ask: 'activities', wanted }, signal);
  }

  /** Yields lines of JSON, each a `SearchLine`. Also throws GatewayError `malformed` or `limit_exceeded`. */
  search(wanted: WantedRecords): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'search', wanted });
  }

  /** Yields lines of JSON in a form of `exportLines`, until the signal aborts if it follows. Also throws GatewayError `malformed` or `limit_exceeded`. */
  export(wanted: WantedExport, form: ExportForm, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'export', wanted, form }, signal);
  }

  /** Returns the alerts, oldest first. */
  async alerts(): Promise<readonly Alert[]> {
    return this.#one({ ask: 'alerts' });
  }

  /** Puts the settings into force that what follows the record has now. */
  recheck(): void {
    if (this.#running !== null) {
      this.#sendSettings(this.#running.worker);
    }
  }

  /** Yields lines of JSON, each a `SessionOverview`. Also throws GatewayError `not_found`, `malformed` or `limit_exceeded`. */
  sessions(wanted: WantedSessions): AsyncGenerator<Uint8Array> {
    return this.#ask({ ask: 'sessions', wanted });
  }

  /** Finds the sessions that are to be reviewed. Also rejects with GatewayError `malformed`. */
  async reviews(wanted: WantedReviews): Promise<Reviews> {
    return this.#one({ ask: 'reviews', wanted });
  }

  /** Yields the verified records for which a query holds that the gateway itself asks, the newest first. */
  verified(query: string, nowMs: number, checkpoint: PublishedCheckpoint): AsyncGenerator<VerifiedRecord> {
    return this.#ask({ ask: 'verified', query, nowMs, checkpoint });
  }

  /** Yields the secrets of the records for which a query holds that the gateway itself asks. Also throws GatewayError `malformed`. */
  secrets(wanted: WantedSecrets): AsyncGenerator<FoundSecrets> {
    return this.#ask({ ask: 'secrets', wanted });
  }

  /** Returns the secrets that seal the records for which a query holds. Also rejects with GatewayError `malformed`, `limit_exceeded`. */
  async erasable(wanted: WantedErasable): Promise<Erasable> {
    return this.#one({ ask: 'erasable', wanted });
  }

  async savedSearches(nowMs: number, checkpoint: PublishedCheckpoint): Promise<readonly SavedSearch[]> {
    return this.#one({ ask: 'savedSearches', nowMs, checkpoint });
  }

  /** Counts the secrets under each class and day. */
  async keptSecrets(): Promise<readonly KeptSecrets[]> {
    return this.#one({ ask: 'keptSecrets' });
  }

  async rebuild(): Promise<IndexRebuilt> {
    return this.#one({ ask: 'rebuild' });
  }

  /** Drops what the indexes and the memory have of records whose keys were destroyed. `from`: see `RecordIndex.dropErased`. */
  async dropErased(from: number | null): Promise<void> {
    await this.#one({ ask: 'dropErased', from });
  }

  /** Gives the threads a root secret by which keys may be wrapped from now on. Resolves when they have it. */
  async expectRoot(next: KeyObject): Promise<void> {
    this.#roots = withRoot(this.#roots, next);
    await this.#one({ ask: 'expectRoot', next });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#telling);
    const running = this.#running;
    if (running !== null) {
      const { worker, database } = running;
      // This comes before the thread closes its database: the last connection to close writes the write-ahead log into the file, and only the thread may write.
      this.#running = null;
      database.close();
      this.#failAll(new GatewayError('stopping', 'The gateway is stopping.'));
      const ended = new Promise<void>((resolve) => {
        worker.once('exit', () => {
          resolve();
        });
      });
      this.#send(worker, { stop: true });
      await Promise.race([ended, delay(stopMs, null, { ref: false })]);
      await worker.terminate();
    }
  }

  async #start(): Promise<void> {
    const { data, thread, cacheKey } = this.#parts;
    const workerData: ThreadData = { data, roots: this.#roots };
    const worker = new Worker(thread, { workerData, resourceLimits: { maxYoungGenerationSizeMb } });
    const ready = Promise.withResolvers<Running>();
    worker.on('message', (message: FromThread) => {
      if ('ready' in message) {
        try {
          const database = openIndexToRead(data);
          this.#sendSettings(worker);
          ready.resolve({
            worker,
            state: new IndexState(message.ready.memory),
            records: new IndexState(message.ready.records),
            database,
            notes: new TargetNotes(database, cacheKey),
          });
        } catch (error) {
          this.#parts.onTrouble(error, 'open index.db');
          void worker.terminate();
        }
      } else if ('call' in message) {
        this.#waiting.get(message.call)?.(message);
      } else if ('failed' in message) {
        ready.reject(receiveError(message.failed));
      } else if ('news' in message) {
        this.#parts.feeds?.onNews(message.news);
      } else if ('trouble' in message) {
        this.#parts.onTrouble(receiveError(message.trouble.error), message.trouble.what);
      } else {
        this.#parts.onDifference(message.differs);
      }
    });
    worker.on('error', (error) => {
      this.#parts.onTrouble(error, 'read what was recorded');
    });
    worker.once('exit', () => {
      ready.reject(this.#lost);
      this.#lose(worker);
    });
    // A thread that is not ready when the gateway stops has nothing to finish.
    const { signal } = this.#stopping;
    const end = (): void => void worker.terminate();
    signal.addEventListener('abort', end, { once: true });
    try {
      this.#running = await ready.promise;
      this.#started.resolve();
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  #lose(worker: Worker): void {
    if (this.#running?.worker !== worker) {
      return;
    }
    this.#running.database.close();
    this.#running = null;
    this.#started = Promise.withResolvers<void>();
    this.#failAll(this.#lost);
    void this.#restart();
  }

  /** Nobody hears of these answers any more. */
  #failAll(error: GatewayError): void {
    for (const answer of this.#waiting.values()) {
      answer(error);
    }
  }

  async #restart(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#running === null) {
      try {
        await delay(restartMs, null, { ref: false, signal });
        await this.#start();
      } catch (error) {
        if (!signal.aborted) {
          this.#parts.onTrouble(error, 'start the reader of what was recorded');
        }
      }
    }
  }

  /** Reads notes from the index. Undefined unless the index was whole all the time: while it is made again its rows prove nothing. */
  #recall<Found>(look: (notes: TargetNotes) => Found): Found | undefined {
    const { state } = this;
    const { version } = state;
    if (this.#running === null || !state.isWhole) {
      return undefined;
    }
    try {
      const found = look(this.#running.notes);
      return state.version === version ? found : undefined;
    } catch (error) {
      if (isUnreadable(error)) {
        this.#giveUpDamaged(error);
        return undefined;
      }
      if (!(error instanceof IndexDiffers)) {
        throw error;
      }
      this.#parts.onDifference(error.message);
      void this.rebuild().catch((failure: unknown) => {
        this.#parts.onTrouble(failure, 'make the index again');
      });
      return undefined;
    }
  }

  /** Removes an index that cannot be read, and ends the thread. The next thread makes a new index file. */
  #giveUpDamaged(error: unknown): void {
    this.#parts.onTrouble(error, 'read index.db, which is made again');
    removeIndexFile(join(this.#parts.data, 'index.db'));
    void this.#running?.worker.terminate();
  }

  async #one<Result>(question: Question): Promise<Result> {
    for await (const piece of this.#ask<Result>(question)) {
      return piece;
    }
    throw new Error(`the reader had no answer to ${question.ask}`);
  }

  async *#ask<Piece>(begin: Question, signal?: AbortSignal): AsyncGenerator<Piece> {
    const seats = this.#seats[begin.ask];
    if (seats !== undefined && !(await seats.take(this.#parts.seatMs ?? seatMs))) {
      throw new GatewayError('throttled', 'Too many recordings are being read at the same time. Ask again when another reader has finished.');
    }
    try {
      yield* this.#answer<Piece>(begin, signal);
    } finally {
      seats?.giveBack();
    }
  }

  async *#answer<Piece>(begin: Question, signal?: AbortSignal): AsyncGenerator<Piece> {
    const worker = await this.#whenRunning();
    this.#calls += 1;
    const call = this.#calls;
    const leave = (): void => {
      this.#send(worker, { call, leave: true });
      this.#waiting.get(call)?.({ call, done: true });
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      for (let message: ToThread = { call, begin, written: this.#parts.written() }; ; message = { call, more: true }) {
        const reply = await this.#reply(worker, call, message);
        if (signal?.aborted === true || 'done' in reply) {
          return;
        }
        if ('failed' in reply) {
          throw receiveError(reply.failed);
        }
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- reader-thread.ts answers each question with what the methods above promise
        yield reply.piece as Piece;
      }
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#waiting.delete(call);
      this.#send(worker, { call, leave: true });
    }
  }

  async #whenRunning(): Promise<Worker> {
    if (this.#running === null) {
      await Promise.race([this.#started.promise, delay(questionMs, null, { ref: false })]);
    }
    if (this.#running === null) {
      throw new GatewayError('catching_up', 'Recordings cannot be read now. Ask again in a moment.');
    }
    return this.#running.worker;
  }

  /** Sends a message and waits for its reply. Throws the error by which the thread was lost. */
  async #reply(worker: Worker, call: number, message: ToThread): Promise<Reply> {
    const reply = await new Promise<Reply | Error>((resolve) => {
      this.#waiting.set(call, resolve);
      this.#send(worker, message);
    });
    if (reply instanceof Error) {
      throw reply;
    }
    return reply;
  }

  #sendSettings(worker: Worker): void {
    const { feeds } = this.#parts;
    if (feeds !== undefined) {
      this.#send(worker, { feed: feeds.settings() });
    }
  }

  #send(worker: Worker, message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(message);
  }
}

/** Opens the index and reads from it at once, so that all of its files are open: later it does not matter if they are removed. */
function openIndexToRead(data: string): Sqlite {
  const database = openSqliteReadOnly(join(data, 'index.db'));
  try {
    database.get('SELECT count(*) FROM sqlite_schema');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
