/** When records come while they are played: in ms from the first of them on, without the time in which nothing happens beyond a limit. */
export class PlayClock {
  /** How much time is left out, in ms. */
  readonly skippedMs: number;
  readonly #at: Float64Array;

  /** Records are played in order, whatever their times are. */
  constructor(timesMs: readonly number[], idleMaxMs: number) {
    this.#at = new Float64Array(timesMs.length);
    let skipped = 0;
    for (let index = 1; index < timesMs.length; index += 1) {
      const gap = Math.max(0, (timesMs[index] ?? 0) - (timesMs[index - 1] ?? 0));
      const played = Math.min(gap, idleMaxMs);
      skipped += gap - played;
      this.#at[index] = this.at(index - 1) + played;
    }
    this.skippedMs = skipped;
  }

  /** How long it is from the first record to the last, in ms. */
  get lengthMs(): number {
    return this.at(this.#at.length - 1);
  }

  at(index: number): number {
    return this.#at[index] ?? 0;
  }

  /** Returns the index of the last record at or before a time; -1 if there is no record. */
  indexAt(ms: number): number {
    let [low, high] = [0, this.#at.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      [low, high] = this.at(middle) <= ms ? [middle + 1, high] : [low, middle];
    }
    return low - 1;
  }
}
