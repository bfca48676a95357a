import { setTimeout as delay } from 'node:timers/promises';
import { ownAttributes } from '../domain/own-attributes.ts';
import { systemErrorWords } from '../store/system-error.ts';
import type { FeedRecord } from './feed-record.ts';
import { RefusedRecords, TryLater, type Receiver } from './receiver.ts';
import type { RecordTail } from './record-tail.ts';

/** The time in ms before each further attempt; the last is for all that follow. */
const pausesMs = [500, 1_000, 5_000, 30_000, 60_000] as const;
/** Each pause is longer by up to this part of it, so that many senders do not come at the same moment. */
const jitter = 0.2;

/** Records that cannot be read are tried again after this time, in ms, and so often before the sink counts as failing. */
const unreadMs = 1000;
const unreadMax = 60;
/** If a receiver refuses so many records one after the other, the fault is not theirs: it fails, and gets them later. */
const refusedMax = 10;

/** The actions of the records of what a receiver does with what it is sent. */
export const troubleActions = { delayed: 'gateway.delay_feed', resumed: 'gateway.resume_feed', dropped: 'gateway.drop_feed' } as const;
const troubles: ReadonlySet<string | null> = new Set(Object.values(troubleActions));

/** News of records on their way to a sink, for the record. `dropped`: the receiver will never take them. */
export type SinkNews =
  | { readonly what: 'began'; readonly sink: string; readonly next: number }
  | { readonly what: 'failing'; readonly sink: string; readonly why: string }
  | { readonly what: 'recovered'; readonly sink: string }
  | { readonly what: 'dropped'; readonly sink: string; readonly why: string; readonly records: readonly string[] };

export interface SinkStreamParts {
  readonly name: string;
  readonly receiver: Receiver;
  readonly tail: RecordTail;
  /** Says whether a record is for this sink. */
  readonly isWanted: (record: FeedRecord) => boolean;
  readonly tell: (news: SinkNews) => void;
  /** The pauses between attempts, by default seconds to a minute. */
  readonly pausesMs?: readonly number[];
}

/** Records that were sent and count as taken later. */
interface Sent {
  readonly next: number;
  /** When they were sent, in ms of the monotonic clock, which nobody can set. */
  readonly timeMs: number;
}

/**
 * Sends the records of the log to a receiver, from a place on, in order and each at least once. It waits for a receiver that does not take them, however long that
 * lasts: what waits is in the journal.
 */
export class SinkStream implements AsyncDisposable {
  readonly #parts: SinkStreamParts;
  readonly #leaving = new AbortController();
  readonly #running: Promise<void>;
  #next: number;
  #sent: Sent[] = [];
  #failures = 0;
  /** True from the news that the sink fails until that it recovered. */
  #isFailureTold = false;
  /** How often the next records could not be read. */
  #unread = 0;
  /** How many records were refused since the last that was taken. */
  #refused = 0;
  /** The index in the log of the first record that was not taken. */
  taken: number;

  constructor(next: number, parts: SinkStreamParts) {
    this.#parts = parts;
    this.#next = next;
    this.taken = next;
    this.#running = this.#run();
  }

  get isFailing(): boolean {
    return this.#failures > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort();
    await this.#running;
    await this.#parts.receiver[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { tail, receiver, isWanted } = this.#parts;
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      this.#settle();
      await this.#reaches(tail);
      if (tail.next - this.#next < receiver.batchMax) {
        await pause(receiver.collectMs, signal);
      }
      if (signal.aborted || tail.next <= this.#next) {
        continue;
      }
      try {
        const records = await this.#read(tail);
        if (records === null) {
          continue;
        }
        await this.#sendAll(records.filter(isWanted));
        this.#advance(records);
      } catch (error) {
        await this.#fail(error);
      }
    }
  }

  /** Reads the next records. Null: they cannot be read yet, because the index of records is being made again. Rejects if that lasts. */
  async #read(tail: RecordTail): Promise<readonly FeedRecord[] | null> {
    try {
      const records = await tail.read(this.#next, this.#parts.receiver.batchMax);
      this.#unread = 0;
      return records;
    } catch (error) {
      this.#unread += 1;
      if (this.#unread >= unreadMax) {
        throw error;
      }
      await pause(unreadMs, this.#leaving.signal);
      return null;
    }
  }

  /** Waits for the next record. What was sent meanwhile settles. */
  async #reaches(tail: RecordTail): Promise<void> {
    const { signal } = this.#leaving;
    const [oldest] = this.#sent;
    if (oldest === undefined || tail.next > this.#next) {
      await tail.reaches(this.#next, signal);
      return;
    }
    const leaving = new AbortController();
    const either = AbortSignal.any([signal, leaving.signal]);
    await Promise.race([tail.reaches(this.#next, either), pause(oldest.timeMs + this.#parts.receiver.settleMs - performance.now(), either)]);
    leaving.abort();
  }

  #advance(records: readonly FeedRecord[]): void {
    const { settleMs } = this.#parts.receiver;
    const next = this.#next + records.length;
    this.#next = next;
    this.#failures = 0;
    if (this.#isFailureTold && !records.every((record) => this.#isOfItself(record))) {
      this.#isFailureTold = false;
      this.#parts.tell({ what: 'recovered', sink: this.#parts.name });
    }
    if (settleMs === 0) {
      this.taken = next;
    } else {
      this.#sent.push({ next, timeMs: performance.now() });
      this.#settle();
    }
  }

  #settle(): void {
    const settledMs = performance.now() - this.#parts.receiver.settleMs;
    for (let [oldest] = this.#sent; oldest !== undefined && oldest.timeMs <= settledMs; [oldest] = this.#sent) {
      this.taken = oldest.next;
      this.#sent.shift();
    }
  }

  /** True for a record of what this receiver did. It causes no news: a receiver that refuses each of these, or fails at it, would cause the next one, for ever. */
  #isOfItself({ shown: { action, attributes } }: FeedRecord): boolean {
    return troubles.has(action) && attributes[ownAttributes.sink] === this.#parts.name;
  }

  /** Sends records. If the receiver refuses them, it finds out which of them, and tells that these are dropped. */
  async #sendAll(records: readonly FeedRecord[]): Promise<void> {
    const { receiver, tell, name } = this.#parts;
    if (records.length === 0) {
      return;
    }
    try {
      await receiver.send(records, this.#leaving.signal);
      this.#refused = 0;
    } catch (error) {
      if (!(error instanceof RefusedRecords)) {
        throw error;
      }
      if (this.#refused >= refusedMax) {
        throw new TryLater(error.message, null);
      }
      if (records.length === 1) {
        this.#refused += 1;
        if (!records.every((record) => this.#isOfItself(record))) {
          tell({ what: 'dropped', sink: name, why: error.message, records: records.map(({ shown }) => shown.record) });
        }
        return;
      }
      const middle = Math.ceil(records.length / 2);
      await this.#sendAll(records.slice(0, middle));
      await this.#sendAll(records.slice(middle));
    }
  }

  async #fail(error: unknown): Promise<void> {
    const { signal } = this.#leaving;
    if (signal.aborted) {
      return;
    }
    // The records that the receiver did not say that it took are sent again.
    this.#next = this.taken;
    this.#sent = [];
    this.#failures += 1;
    if (!this.#isFailureTold) {
      this.#isFailureTold = true;
      this.#parts.tell({ what: 'failing', sink: this.#parts.name, why: wordsOf(error) });
    }
    const pauses = this.#parts.pausesMs ?? pausesMs;
    const pauseMs = Math.max(pauses[Math.min(this.#failures, pauses.length) - 1] ?? 0, error instanceof TryLater ? (error.retryMs ?? 0) : 0);
    await pause(pauseMs * (1 + jitter * Math.random()), signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) {
    await delay(ms, null, { ref: false, signal }).catch(() => undefined);
  }
}

/** The words of an error: of one of the system, what it means for its file. */
function wordsOf(error: unknown): string {
  const words = systemErrorWords(error);
  if (words !== null) {
    return error instanceof Error && 'path' in error ? `${String(error.path)}: ${words}.` : `The file cannot be written: ${words}.`;
  }
  return error instanceof Error ? error.message : 'The attempt failed.';
}
