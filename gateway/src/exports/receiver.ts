import type { FeedRecord } from './feed-record.ts';

/** A receiver of records, which gets them in the order of the log. */
export interface Receiver extends AsyncDisposable {
  /** Most records that it takes at a time. */
  readonly batchMax: number;
  /** How long records are collected, in ms, before less than that is sent. */
  readonly collectMs: number;
  /** How long after they were sent, in ms, records count as taken, if nothing failed meanwhile: it does not say that it took them. 0: it says so. */
  readonly settleMs: number;
  /** Resolves when the records are taken, or sent. Rejects with `RefusedRecords` if it will never take them; with another error it may take them later. */
  readonly send: (records: readonly FeedRecord[], signal: AbortSignal) => Promise<void>;
}

/** The receiver will never take these records. */
export class RefusedRecords extends Error {}

/** The receiver wants to be left alone for a while. */
export class TryLater extends Error {
  readonly retryMs: number | null;

  constructor(message: string, retryMs: number | null) {
    super(message);
    this.retryMs = retryMs;
  }
}
