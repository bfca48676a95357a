const cells = { version: 0, size: 1, wholeNs: 2, load: 3, written: 4 } as const;
const thousandth = 1000;

/** How far the index is. The thread that serves writes how much it recorded, and how busy it is, and the thread that makes the index writes the rest; any thread that has its memory can read it. */
export class IndexState {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory = new SharedArrayBuffer(Object.keys(cells).length * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
    if (Atomics.load(this.#cells, cells.wholeNs) === 0n) {
      this.noteWhole();
    }
  }

  /** Changes each time the index becomes whole and each time it stops being whole. If two reads give the same number, the index was not made again between them. */
  get version(): bigint {
    return Atomics.load(this.#cells, cells.version);
  }

  /** True if the index holds everything that was written before the start. False while the index is made again. */
  get isWhole(): boolean {
    return this.version % 2n === 1n;
  }

  set isWhole(isWhole: boolean) {
    if (isWhole !== this.isWhole) {
      Atomics.add(this.#cells, cells.version, 1n);
      Atomics.notify(this.#cells, cells.version);
    }
  }

  /** Number of records, from the beginning of the log, that are in the index. */
  get size(): number {
    return Number(Atomics.load(this.#cells, cells.size));
  }

  set size(size: number) {
    Atomics.store(this.#cells, cells.size, BigInt(size));
  }

  /** How long ago, in seconds, the index had everything that was recorded until then. If it never had, how long ago it was begun. */
  get wholeSecondsAgo(): number {
    return Number(process.hrtime.bigint() - Atomics.load(this.#cells, cells.wholeNs)) / 1e9;
  }

  /** Notes that the index has everything that was recorded until now. */
  noteWhole(): void {
    // This clock is the same one in all threads, and never jumps.
    Atomics.store(this.#cells, cells.wholeNs, process.hrtime.bigint());
  }

  /** The part of the time, from 0 to 1, in which the thread that serves was busy lately. */
  get load(): number {
    return Number(Atomics.load(this.#cells, cells.load)) / thousandth;
  }

  set load(load: number) {
    Atomics.store(this.#cells, cells.load, BigInt(Math.round(load * thousandth)));
  }

  /** The number of records in the log, lately. */
  get written(): number {
    return Number(Atomics.load(this.#cells, cells.written));
  }

  set written(written: number) {
    Atomics.store(this.#cells, cells.written, BigInt(written));
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

/** A sentence that says why a question has no answer yet, and how far the index is, as a percentage: not everybody who reads it may know the number of records. */
export function sayBehind({ size }: Pick<IndexState, 'size'>, written: number): string {
  const percent = Math.min(99, Math.floor((100 * size) / Math.max(1, written)));
  return `The index is catching up with the journal: it is at ${percent} %.`;
}
