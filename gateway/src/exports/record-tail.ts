import type { FeedRecord } from './feed-record.ts';

/** The newest records are kept, up to so many and so many characters of their content, so that who is not far behind needs not open them again. */
const keptMax = 2000;
const charactersMax = 16 * 1024 * 1024;

/** Opens the records from one index in the log up to another. Rejects if they are not known now. */
export type OpenRecords = (first: number, end: number) => Promise<readonly FeedRecord[]>;

/** The end of the log, as those see it who follow it at their own pace. */
export class RecordTail {
  readonly #openRecords: OpenRecords;
  readonly #kept: FeedRecord[] = [];
  #characters = 0;
  readonly #waiting = new Set<(value: unknown) => void>();
  /** The index in the log of the next record; 0 before the first that it is given. */
  next = 0;

  constructor(openRecords: OpenRecords) {
    this.#openRecords = openRecords;
  }

  /** Takes up the next record of the log. One that it has already is left out. */
  add(record: FeedRecord): void {
    if (record.index < this.next) {
      return;
    }
    // After a gap, what is kept is no end of the log any more.
    if (record.index > this.next) {
      this.forget();
    }
    this.next = record.index + 1;
    this.#kept.push(record);
    this.#characters += sizeOf(record);
    while (this.#kept.length > keptMax || (this.#characters > charactersMax && this.#kept.length > 1)) {
      const oldest = this.#kept.shift();
      this.#characters -= oldest === undefined ? 0 : sizeOf(oldest);
    }
    for (const wake of this.#waiting) {
      wake(null);
    }
  }

  /** Forgets the records that are kept. Who asks for them has them opened again. */
  forget(): void {
    this.#kept.length = 0;
    this.#characters = 0;
  }

  /** Resolves with the records from an index on, at most so many: those that are kept, or else they are opened. */
  async read(first: number, most: number): Promise<readonly FeedRecord[]> {
    const end = Math.min(first + most, this.next);
    const keptFrom = this.next - this.#kept.length;
    if (first >= keptFrom) {
      return this.#kept.slice(first - keptFrom, end - keptFrom);
    }
    return this.#openRecords(first, Math.min(end, keptFrom));
  }

  /** Resolves when there is a record with an index, or when the signal aborts. */
  async reaches(index: number, signal: AbortSignal): Promise<void> {
    while (this.next <= index && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      this.#waiting.add(resolve);
      signal.addEventListener('abort', resolve);
      await promise;
      signal.removeEventListener('abort', resolve);
      this.#waiting.delete(resolve);
    }
  }
}

function sizeOf({ shown }: FeedRecord): number {
  const { text = '', base64 = '' } = shown.content ?? {};
  return text.length + base64.length;
}
