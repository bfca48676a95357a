import { setImmediate as nextTurn } from 'node:timers/promises';

/** The bytes that one reader may process in a turn of its event loop, which other readers share: they take a millisecond or two. */
export const turnBytesMax = 256 * 1024;
/** A step counts for this many bytes in addition to its own: a record is opened and rendered, a row fetched. */
const stepBytes = 4 * 1024;

/** The turn that was given out last. */
let last: Promise<void> = Promise.resolve();

/** Whoever waits gets a turn of the event loop alone, in the order of asking: otherwise all who wait would go on in the same one, and hold up what is short. */
async function ownTurn(): Promise<void> {
  last = last.then(async () => nextTurn());
  await last;
}

/** The work of one reader among others of the same thread: it goes on in another turn of the event loop when it did its part in this one. A single step, such as rendering one message, is as long as it is. */
export class Turn {
  #bytes = 0;

  async spend(bytes: number): Promise<void> {
    this.#bytes += stepBytes + bytes;
    if (this.#bytes >= turnBytesMax) {
      this.#bytes = 0;
      await ownTurn();
    }
  }
}
