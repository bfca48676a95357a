import { setImmediate as nextTurn } from 'node:timers/promises';

/** The bytes that one reader may process in a turn of its event loop, which other readers share: they take a millisecond or two. */
export const turnBytesMax = 256 * 1024;
/** A step counts for this many bytes in addition to its own: a record is opened and rendered, a row fetched. */
const stepBytes = 4 * 1024;

/** The turn that was given out last. */
let last: Promise<void> = Promise.resolve();

/** Waits for a turn of the event loop that no other waiter shares, in the order of asking. If several waiters continued in the same turn, they would delay short work. */
async function ownTurn(): Promise<void> {
  last = last.then(async () => nextTurn());
  await last;
}

/** Divides the work of one reader among turns of the event loop, which it shares with other readers of the same thread. It continues in another turn when it did its part in this one. A single step, such as rendering one message, is not divided. */
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
