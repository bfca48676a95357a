import type { OpenedRecord } from '../domain/record.ts';

export interface MemoryLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Keeps the latest records that were added. Past a limit the oldest are dropped, but never the last one. */
export class Remembered {
  readonly #limits: MemoryLimits;
  readonly #records = new Map<number, OpenedRecord>();
  #bytes = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  find(seq: number): OpenedRecord | undefined {
    return this.#records.get(seq);
  }

  add(record: OpenedRecord): void {
    this.#records.set(record.seq, record);
    this.#bytes += record.content?.length ?? 0;
    for (const [seq, old] of this.#records) {
      if (seq === record.seq || (this.#records.size <= this.#limits.recordsMax && this.#bytes <= this.#limits.bytesMax)) {
        return;
      }
      this.#records.delete(seq);
      this.#bytes -= old.content?.length ?? 0;
    }
  }
}
