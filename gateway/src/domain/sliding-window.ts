/** A window is divided into this many buckets. One more is kept, so that the time that is counted is never shorter than the window. */
const bucketsPerWindow = 60;
const bucketsMax = bucketsPerWindow + 1;

/** An amount that was used within one bucket of a window. */
export interface BucketAmount {
  /** When the bucket begins, in ms. */
  readonly timeMs: number;
  readonly amount: number;
}

/**
 * The sum of what was used within the last `seconds`, in a fixed amount of memory. An amount leaves the sum at most one sixtieth of the window later than it
 * should, and never earlier. Times are in ms and may come in any order: the newest of them is where the window ends.
 */
export class SlidingWindow {
  readonly #bucketMs: number;
  readonly #amounts = new Float64Array(bucketsMax);
  /** The number of the newest bucket, counted from 1970. */
  #newest = 0;
  #sum = 0;

  constructor(seconds: number) {
    this.#bucketMs = (seconds * 1000) / bucketsPerWindow;
  }

  /** Adds an amount. What is older than the window is left out. */
  add(amount: number, timeMs: number): void {
    const bucket = Math.floor(timeMs / this.#bucketMs);
    this.#advance(bucket);
    if (bucket > this.#newest - bucketsMax) {
      this.#sum += amount;
      this.#amounts[bucket % bucketsMax] = this.#amountOf(bucket) + amount;
    }
  }

  /** Returns the sum at a time. */
  used(timeMs: number): number {
    this.#advance(Math.floor(timeMs / this.#bucketMs));
    return this.#sum;
  }

  /** Returns the time in ms at which the sum will be less than `most`, if nothing is added. */
  freeMs(most: number): number {
    let left = this.#sum;
    let freeMs = 0;
    for (const { timeMs, amount } of this.buckets()) {
      if (left < most) {
        break;
      }
      left -= amount;
      freeMs = timeMs + bucketsMax * this.#bucketMs;
    }
    return freeMs;
  }

  /** The amounts that are in the sum, oldest first. */
  *buckets(): Generator<BucketAmount> {
    for (let bucket = this.#newest - bucketsPerWindow; bucket <= this.#newest; bucket += 1) {
      const amount = this.#amountOf(bucket);
      if (amount > 0) {
        yield { timeMs: bucket * this.#bucketMs, amount };
      }
    }
  }

  #amountOf(bucket: number): number {
    return this.#amounts[bucket % bucketsMax] ?? 0;
  }

  /** Moves the end of the window forward. It never moves back. */
  #advance(bucket: number): void {
    if (bucket <= this.#newest) {
      return;
    }
    for (let next = Math.max(this.#newest + 1, bucket - bucketsPerWindow); next <= bucket; next += 1) {
      this.#sum -= this.#amountOf(next);
      this.#amounts[next % bucketsMax] = 0;
    }
    this.#newest = bucket;
  }
}
