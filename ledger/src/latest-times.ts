/** A tree of a log, and the time at which somebody else had it, in Unix ms by a clock that the gateway does not have. */
export interface SeenTree {
  readonly size: number;
  readonly timeMs: number;
}

/** Tells by which time records were there at the latest, as witnesses and authorities of timestamps say. */
export class LatestTimes {
  /** By size. The time of each is not later than that of those behind it. */
  readonly #trees: readonly SeenTree[];

  constructor(trees: readonly SeenTree[]) {
    let earliest = Infinity;
    this.#trees = trees
      .toSorted((a, b) => b.size - a.size)
      .map(({ size, timeMs }) => {
        earliest = Math.min(earliest, timeMs);
        return { size, timeMs: earliest };
      })
      .toReversed();
  }

  /** The time in Unix ms at which the record of an index in the log was there already; Infinity if nobody says. */
  of(index: number): number {
    let [low, high] = [0, this.#trees.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#trees[middle]?.size ?? 0) <= index) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return this.#trees[low]?.timeMs ?? Infinity;
  }
}
