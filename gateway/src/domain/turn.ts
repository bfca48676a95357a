import { setImmediate as nextTurn } from 'node:timers/promises';

/** What one reader may do in a turn of the event loop, which traffic shares: a millisecond or two. */
export const turnBytesMax = 256 * 1024;
/** What a step costs whatever its bytes: a record is opened and rendered, a row fetched. */
const stepBytes = 4 * 1024;

/** The work of a reader, which goes on in another turn of the event loop when it did its part in this one. A single step is as long as it is: a record of at most 1 MiB, or a message in several records that is read as one, of at most the `eventBytesMax` of its target, which can take seconds. */
export class Turn {
  #bytes = 0;

  async spend(bytes: number): Promise<void> {
    this.#bytes += stepBytes + bytes;
    if (this.#bytes >= turnBytesMax) {
      this.#bytes = 0;
      await nextTurn();
    }
  }
}
