import { Frontier, hashBytes } from '@countersign/ledger/format';
import type { JournalEnd } from './recovery.ts';
import { TileStore, type TileSnapshot } from './tile-store.ts';

/** Leaves that are added to the tree together, level by level: that costs a small part of adding each alone. */
const waitingMax = 256;

/** The Merkle tree over the log, with its tiles. A leaf counts at once; nodes are computed for many leaves together, or when the root or the state is asked for. */
export class LogTree {
  readonly tiles: TileStore;
  readonly #frontier: Frontier;
  readonly #waiting = new Uint8Array(waitingMax * hashBytes);
  #count = 0;

  /** Continues where recovery ended. `directory` is that of the tiles. */
  constructor(directory: string, end: Pick<JournalEnd, 'size' | 'subtrees' | 'tiles'>) {
    this.tiles = new TileStore(directory);
    this.tiles.restore(end.tiles);
    this.#frontier = new Frontier({ size: end.size, subtrees: end.subtrees, onSubtree: this.tiles.onSubtree });
  }

  /** Reads the leaf hash at `hashes[at]`; keeps no reference to it. */
  readonly append = (hashes: Uint8Array, at: number): void => {
    const to = this.#count * hashBytes;
    for (let i = 0; i < hashBytes; i++) {
      this.#waiting[to + i] = hashes[at + i] ?? 0;
    }
    this.#count += 1;
    if (this.#count === waitingMax) {
      this.#grow();
    }
  };

  root(): Uint8Array {
    this.#grow();
    return this.#frontier.root();
  }

  /** The state with which another tree can continue from here. */
  state(): Pick<JournalEnd, 'size' | 'subtrees' | 'tiles'> {
    this.#grow();
    return { size: this.#frontier.size, subtrees: this.#frontier.subtrees(), tiles: this.tiles.edges() };
  }

  /** The tiles that are not yet written, for the tree as it is now. */
  snapshotTiles(): TileSnapshot {
    this.#grow();
    return this.tiles.snapshot();
  }

  #grow(): void {
    this.#frontier.appendMany(this.#waiting, this.#count);
    this.#count = 0;
  }
}
