import { join } from 'node:path';
import { replaceWholeFile } from '../store/whole-file.ts';
import { writeSnapshot, type RecoverySnapshot } from './recovery-snapshot.ts';
import type { TileSnapshot, TileStore } from './tile-store.ts';

export interface PublishedCheckpoint {
  /** Number of records under the checkpoint. */
  readonly size: number;
  /** The signed checkpoint, as it is published (docs/formats/checkpoint.md). */
  readonly note: string;
}

/** Writes the files that say how far the log has come: first the tiles, then the checkpoint over them, then the snapshot with which the next start may begin. */
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

  /** The time when it was published, in ms of the monotonic clock. */
  get publishedMs(): number {
    return this.#publishedMs;
  }

  /** Takes a snapshot, which is written as soon as its tiles are. */
  keep(snapshot: RecoverySnapshot): void {
    this.#snapshot = snapshot;
  }

  /** Publishes. The records under `head` must be on stable storage, and `tiles` must be taken at the same time as it. Only one call may run at a time. */
  async publish(head: PublishedCheckpoint, tiles: TileSnapshot): Promise<void> {
    await this.#tiles.write(tiles);
    if (head.size > this.#newest.size) {
      await replaceWholeFile(join(this.#data, 'log', 'checkpoint'), head.note);
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
