import { createHmac, type KeyObject } from 'node:crypto';
import type { SqliteRow, SqliteValue } from '../store/sqlite.ts';

/** Says that the index was changed from outside, or lacks rows. It must be made again from the journal. */
export class IndexDiffers extends Error {}

/** Seals rows of the index with a key that is derived from the root key. A row that was changed from outside is detected. */
export class RowSeals {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  of(facts: readonly SqliteValue[]): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(facts)).digest();
  }

  /** Throws `IndexDiffers` unless the row's `seal` is over these facts. */
  require({ seal }: SqliteRow, facts: readonly SqliteValue[]): void {
    if (!(seal instanceof Uint8Array) || !this.of(facts).equals(seal)) {
      throw new IndexDiffers('a row was changed');
    }
  }
}
