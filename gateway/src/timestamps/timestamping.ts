import type { Certificate } from '@countersign/ledger';
import { encodeUtf8, formatTimestampLine, parseNote } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { reasonOf } from '../wire/failure-reason.ts';
import { askAuthority } from './ask-authority.ts';
import { StampedFiles } from './stamped-files.ts';

/** Whether something is to be stamped is looked at this often. */
const lookMs = 1_000;
/** The longest time in ms until the authority has answered. */
const answerMs = 20_000;
/** An authority that gave no timestamp is left alone for this long, and each time twice as long. */
const backOffMs = 1_000;
const backOffMsMax = 300_000;

interface TimestampSettings {
  /** Where the authority is, without a user or a password. */
  readonly url: string;
  /** The PEM file of the authorities that may have signed the certificate of its TLS. Null: those of the system. */
  readonly caFile: string | null;
  /** The authorities from which its signer must descend. Null: any signer will do. */
  readonly trusted: readonly Certificate[] | null;
  /** A timestamp is asked for at most this often, in ms; more often only after deletions. */
  readonly everyMs: number;
  /** So long, in ms, a timestamp may be due before that is told. */
  readonly lostMs: number;
}

export interface TimestampingStatus {
  readonly url: string;
  /** The newest checkpoint that was stamped, and when, by the clock of this machine; null: there is none. */
  readonly stamped: { readonly size: number; readonly atMs: number } | null;
  /** Why there was no timestamp when one was asked for last; null: there was one, or nobody was asked yet. */
  readonly failure: string | null;
}

/** A change that the record has: a timestamp is due for long, or there are timestamps again. */
export type TimestampNews =
  | { readonly what: 'timestamps lost'; readonly sinceMs: number; readonly why: string }
  | { readonly what: 'timestamps back'; readonly size: number };

interface TimestampingOptions {
  readonly data: string;
  readonly settings: TimestampSettings;
  readonly now: () => number;
  readonly onNews: (news: TimestampNews) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Has published checkpoints stamped, one at a time, by an authority of timestamps. Nothing that passes the gateway waits for it. */
export class Timestamping implements AsyncDisposable {
  readonly #options: TimestampingOptions;
  readonly #files: StampedFiles;
  readonly #stopping = new AbortController();
  #published: () => PublishedCheckpoint = () => ({ size: -1, note: '' });
  #timer: NodeJS.Timeout | null = null;
  #asking: Promise<void> | null = null;
  #stamped: TimestampingStatus['stamped'];
  #failure: string | null = null;
  #failures = 0;
  #restedMs = 0;
  /** Records up to this many are stamped without regard to the pause. */
  #wantedSize = -1;
  /** Since when a timestamp is due, in Unix ms; null: none is. */
  #dueMs: number | null = null;
  #isLost = false;

  constructor(options: TimestampingOptions) {
    this.#options = options;
    this.#files = new StampedFiles(options.data);
    this.#stamped = this.#files.newest();
  }

  get status(): TimestampingStatus {
    return { url: this.#options.settings.url, stamped: this.#stamped, failure: this.#failure };
  }

  /** Begins to ask. `published` returns the newest checkpoint that is on stable storage. */
  begin(published: () => PublishedCheckpoint): void {
    this.#published = published;
    this.#timer = setInterval(() => {
      this.#look();
    }, lookMs);
    this.#timer.unref();
    this.#look();
  }

  /** Has what is published now stamped as soon as can be, whatever the pause. */
  hurry(): void {
    this.#wantedSize = Math.max(this.#wantedSize, this.#published().size);
    this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
    }
    this.#stopping.abort(new GatewayError('stopping', 'The gateway is stopping.'));
    await this.#asking;
  }

  #look(): void {
    const { settings, now } = this.#options;
    const checkpoint = this.#published();
    if (this.#stamped !== null && checkpoint.size >= 0 && this.#stamped.size > checkpoint.size) {
      // A file over more records than the log has is not of this log. If it counted, nothing would be stamped any more, and nobody would be told.
      this.#stamped = this.#files.newest(checkpoint.size);
    }
    const stampedSize = this.#stamped?.size ?? -1;
    const isWanted = this.#wantedSize > stampedSize || this.#stamped === null || now() - this.#stamped.atMs >= settings.everyMs;
    const isDue = checkpoint.size > stampedSize && isWanted;
    this.#dueMs = isDue ? (this.#dueMs ?? now()) : null;
    this.#tell();
    if (isDue && this.#asking === null && performance.now() >= this.#restedMs && !this.#stopping.signal.aborted) {
      this.#asking = this.#stamp(checkpoint)
        .catch(this.#options.onTrouble)
        .finally(() => {
          this.#asking = null;
        });
    }
  }

  /** Tells once that a timestamp is due for long, and once that there is one again. */
  #tell(): void {
    const { settings, now, onNews } = this.#options;
    if (this.#dueMs !== null && !this.#isLost && now() - this.#dueMs > settings.lostMs) {
      this.#isLost = true;
      onNews({ what: 'timestamps lost', sinceMs: this.#dueMs, why: this.#failure ?? 'it has not answered yet' });
    } else if (this.#dueMs === null && this.#isLost && this.#stamped !== null) {
      this.#isLost = false;
      onNews({ what: 'timestamps back', size: this.#stamped.size });
    }
  }

  async #stamp({ size, note }: PublishedCheckpoint): Promise<void> {
    const { settings, now } = this.#options;
    const url = new URL(settings.url);
    const { text } = parseNote(encodeUtf8(note));
    const said = await askAuthority(text, { ...settings, url, answerMs, signal: this.#stopping.signal }).catch((error: unknown) => ({
      said: 'refused' as const,
      why: error instanceof GatewayError ? error.message : reasonOf(error),
    }));
    if (this.#stopping.signal.aborted) {
      return;
    }
    if (said.said === 'refused') {
      this.#failure = said.why;
      this.#restedMs = performance.now() + Math.min(backOffMsMax, backOffMs * 2 ** this.#failures);
      this.#failures += 1;
      return;
    }
    await this.#files.write(size, note + formatTimestampLine(url.host, said.token));
    this.#stamped = { size, atMs: now() };
    this.#failure = null;
    this.#failures = 0;
    this.#restedMs = 0;
  }
}
