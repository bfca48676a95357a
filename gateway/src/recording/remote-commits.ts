import type { JournalPlace } from './journal-reader.ts';

/** Somebody who waits until all up to a place is somewhere else too. */
interface Waiting {
  readonly place: JournalPlace;
  readonly release: () => void;
}

/** Those who wait until what is on the disk is in the bucket too, in the order of their places. */
export class RemoteCommits {
  readonly #waiting: Waiting[] = [];
  #accepted: JournalPlace = { segment: 0, offset: 0 };
  #send: ((durable: JournalPlace) => void) | null = null;

  /** Names who sends what is on the disk. It is told each time that somebody waits, and calls `accept`. */
  sendBy(send: (durable: JournalPlace) => void): void {
    this.#send = send;
    const last = this.#waiting.at(-1);
    if (last !== undefined) {
      send(last.place);
    }
  }

  /** Calls back when all up to this place is in the bucket, after those who waited before. `place` is on the disk. */
  wait(place: JournalPlace, release: () => void): void {
    if (isReached(place, this.#accepted)) {
      release();
    } else {
      this.#waiting.push({ place, release });
      this.#send?.(place);
    }
  }

  /** Takes note that the bucket has all up to this place. */
  accept(place: JournalPlace): void {
    this.#accepted = place;
    const left = this.#waiting.findIndex((each) => !isReached(each.place, place));
    for (const { release } of this.#waiting.splice(0, left === -1 ? this.#waiting.length : left)) {
      release();
    }
  }
}

function isReached(place: JournalPlace, accepted: JournalPlace): boolean {
  return place.segment < accepted.segment || (place.segment === accepted.segment && place.offset <= accepted.offset);
}
