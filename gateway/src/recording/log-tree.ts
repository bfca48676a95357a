import { Frontier, hashBytes } from '@countersign/ledger/format';
import type { JournalEnd } from './recovery.ts';
import { TileStore, type TileSnapshot } from './tile-store.ts';

/** Leaves that the tree takes together, level by level: a small part of what each would cost alone. */
const waitingMax = 256;

/** The Merkle tree over the log and its tiles. A leaf is in the tree at once, its nodes are made when somebody asks for the root. */
export class LogTree {
  readonly tiles: TileStore;
  readonly #frontier: Frontier;
  readonly #waiting = new Uint8Array(waitingMax * hashBytes);
  #count = 0;

  /** Goes on where recovery ended. `directory`: of the tiles. */
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

  /** All that is needed to go on from here. */
  state(): Pick<JournalEnd, 'size' | 'subtrees' | 'tiles'> {
    this.#grow();
    return { size: this.#frontier.size, subtrees: this.#frontier.subtrees(), tiles: this.tiles.edges() };
  }

  /** All tiles not yet written, for the tree as it is now. */
  snapshotTiles(): TileSnapshot {
    this.#grow();
    return this.tiles.snapshot();
  }

  #grow(): void {
    this.#frontier.appendMany(this.#waiting, this.#count);
    this.#count = 0;
  }
}
