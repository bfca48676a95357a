import { join } from 'node:path';
import { replaceWholeFile } from '../store/whole-file.ts';
import type { PublishedCheckpoint } from './recorder-options.ts';
import { writeSnapshot, type RecoverySnapshot } from './recovery-snapshot.ts';
import type { TileSnapshot, TileStore } from './tile-store.ts';

/** Writes the files that say how far the log has come: tiles first, then the checkpoint over them, then what the next start may begin with. */
export class Publisher {
  readonly #data: string;
  readonly #tiles: TileStore;
  #newest: PublishedCheckpoint = { size: -1, note: '' };
  #publishedMs = performance.now();
  #snapshot: RecoverySnapshot | null = null;

  constructor(data: string, tiles: TileStore) {
    this.#data = data;
    this.#tiles = tiles;
  }

  /** The newest checkpoint that is on stable storage. */
  get newest(): PublishedCheckpoint {
    return this.#newest;
  }

  /** When it was published, by the monotonic clock. */
  get publishedMs(): number {
    return this.#publishedMs;
  }

  /** To be written as soon as the tiles over it are. */
  keep(snapshot: RecoverySnapshot): void {
    this.#snapshot = snapshot;
  }

  /** `head`: whose records are on stable storage; `tiles`: taken with it. One call at a time. */
  async publish(head: PublishedCheckpoint, tiles: TileSnapshot): Promise<void> {
    await this.#tiles.write(tiles);
    if (head.size > this.#newest.size) {
      await replaceWholeFile(join(this.#data, 'log', 'checkpoint'), head.note, true);
      this.#newest = head;
      this.#publishedMs = performance.now();
      await this.#tiles.dropPartials(tiles);
    }
    const snapshot = this.#snapshot;
    if (snapshot !== null && snapshot.size <= head.size) {
      this.#snapshot = null;
      await this.#tiles.sync();
      await writeSnapshot(this.#data, snapshot);
    }
  }
}
