import type { AlertRule } from '../domain/alert.ts';
import type { SealedFile } from '../store/sealed-file.ts';
import { AlertWatch, type AlertNews, type SavedWatch, type WatchedRecord } from './alert-watch.ts';
import type { Alert } from './alert.ts';
import type { AboutAlert } from './alert-book.ts';

/** The feed looks this often whether there is something to tell. */
const lookMs = 250;
/** How far the watch is, and what it knows, is written this often: after a crash the records since then are read again. */
const saveMs = 5000;
const dayMs = 86_400_000;

interface AlertFeedParts {
  readonly file: SealedFile;
  /** The number of records in the log when the feed begins. */
  readonly written: number;
  readonly rules: readonly AlertRule[];
  /** For how many days what is known is kept, as records are; null: forever. */
  readonly keptDays: number | null;
  /** Called with what is to be recorded. */
  readonly tell: (news: readonly AlertNews[]) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly now: () => number;
}

/** Watches the records that it is shown in the order of the log, tells of alerts, and writes how far it is to a file. */
export class AlertFeed implements AsyncDisposable {
  readonly #parts: AlertFeedParts;
  readonly #watch: AlertWatch;
  readonly #timer: NodeJS.Timeout;
  #savedMs: number;
  /** The index in the log up to which it is written; -1: it is not. */
  #saved: number;
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  /** True: there was no file of this journal, so that what was recorded before is not watched. */
  readonly isNew: boolean;

  constructor(parts: AlertFeedParts) {
    this.#parts = parts;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this class seals with the key, and it seals saved watches
    const read = parts.file.read() as SavedWatch | null;
    // A watch that is behind the end of the log is of a journal that was replaced by an older one.
    const saved = read !== null && read.next <= parts.written ? read : null;
    this.isNew = saved === null;
    this.#watch = new AlertWatch(saved ?? AlertWatch.beginning(parts.written), parts.written);
    this.#watch.enforce(parts.rules);
    this.#saved = this.isNew ? -1 : this.#watch.next;
    this.#savedMs = parts.now();
    this.#forget();
    this.#save();
    this.#timer = setInterval(() => {
      this.#look();
    }, lookMs).unref();
  }

  /** The index in the log of the next record that is to be shown. */
  get next(): number {
    return this.#watch.next;
  }

  get alerts(): readonly Alert[] {
    return this.#watch.book.all;
  }

  enforce(rules: readonly AlertRule[]): void {
    this.#watch.enforce(rules);
  }

  recall(records: Iterable<AboutAlert>): void {
    for (const record of records) {
      this.#watch.recall(record);
    }
  }

  see(index: number, record: WatchedRecord): void {
    const { next } = this.#watch;
    if (index > next) {
      this.#parts.onTrouble(new Error(`the records from ${next} to ${index - 1} are not watched: the file of the alerts is older than the index of records`));
    }
    this.#watch.see(index, record);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#look();
    await this.#saving;
    this.#save();
    await this.#saving;
  }

  #look(): void {
    const news = this.#watch.take(this.#parts.now());
    if (news.length > 0) {
      this.#parts.tell(news);
    }
    // The clock may have been set back.
    if (Math.abs(this.#parts.now() - this.#savedMs) >= saveMs) {
      this.#save();
    }
  }

  /** Forgets what is older than the records that are kept. */
  #forget(): void {
    const { keptDays, now } = this.#parts;
    if (keptDays !== null) {
      const nowMs = now();
      this.#watch.forget(nowMs - (nowMs % dayMs) - keptDays * dayMs);
    }
  }

  #save(): void {
    if (this.#isSaving || this.#watch.next === this.#saved) {
      return;
    }
    this.#isSaving = true;
    this.#saved = this.#watch.next;
    this.#savedMs = this.#parts.now();
    this.#forget();
    this.#saving = this.#parts.file
      .write(this.#watch.save())
      .catch(this.#parts.onTrouble)
      .finally(() => {
        this.#isSaving = false;
      });
  }
}
