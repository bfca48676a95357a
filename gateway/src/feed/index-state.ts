const cells = { version: 0, size: 1 } as const;

/** How far the index is. One thread keeps it; any thread that has its memory can look at it. */
export class IndexState {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory = new SharedArrayBuffer(Object.keys(cells).length * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
  }

  /** Changes each time the index becomes whole and each time it stops being so. Two looks that find the same number saw the same index, or a later state of it. */
  get version(): bigint {
    return Atomics.load(this.#cells, cells.version);
  }

  /** Everything that was written before the start is in the index. This is not so while the index is made again. */
  get isWhole(): boolean {
    return this.version % 2n === 1n;
  }

  set isWhole(isWhole: boolean) {
    if (isWhole !== this.isWhole) {
      Atomics.add(this.#cells, cells.version, 1n);
      Atomics.notify(this.#cells, cells.version);
    }
  }

  /** How many records, from the beginning of the log, are in the index. */
  get size(): number {
    return Number(Atomics.load(this.#cells, cells.size));
  }

  set size(size: number) {
    Atomics.store(this.#cells, cells.size, BigInt(size));
  }

  /** Resolves with true as soon as the index is whole, and with false after `waitMs`. */
  async whenWhole(waitMs: number): Promise<boolean> {
    const end = performance.now() + waitMs;
    for (let left = waitMs; !this.isWhole && left > 0; left = end - performance.now()) {
      const { version } = this;
      if (version % 2n === 0n) {
        await Atomics.waitAsync(this.#cells, cells.version, version, left).value;
      }
    }
    return this.isWhole;
  }
}

/** Says why a question has no answer yet, and how far the index is. How many records there are is not for everybody who is told. */
export function sayBehind({ size }: Pick<IndexState, 'size'>, written: number): string {
  const percent = Math.min(99, Math.floor((100 * size) / Math.max(1, written)));
  return `The index is catching up with the journal: it is at ${percent} %.`;
}
