/** A histogram of durations for Prometheus. Each bucket counts the events that took at most its number of seconds. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** Bounds in seconds, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(seconds: number): void {
    let place = 0;
    while (place < this.#bounds.length && seconds > (this.#bounds[place] ?? 0)) {
      place += 1;
    }
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += seconds;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Each bound with how often it was not exceeded; the last one is infinite. */
  buckets(): { readonly bound: number; readonly count: number }[] {
    let count = 0;
    return [...this.#bounds, Infinity].map((bound, i) => {
      count += this.#counts[i] ?? 0;
      return { bound, count };
    });
  }
}
