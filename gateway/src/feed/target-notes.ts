import type { KeyObject } from 'node:crypto';
import type { TargetNote } from '../domain/service.ts';
import type { Sqlite, SqliteRow } from '../store/sqlite.ts';
import { RowSeals } from './row-seals.ts';

/** Reads the index's notes about targets. A row that was changed from outside throws `IndexDiffers`. */
export class TargetNotes {
  readonly #database: Sqlite;
  readonly #seals: RowSeals;

  constructor(database: Sqlite, key: KeyObject) {
    this.#database = database;
    this.#seals = new RowSeals(key);
  }

  /** All notes of one protocol, oldest first. */
  of(protocol: string): TargetNote[] {
    const rows = this.#database.all('SELECT * FROM told WHERE protocol = ? ORDER BY rowid', [protocol]);
    return rows.map((row) => this.#parse(row));
  }

  /** The value of one key; null if there is none. */
  find(protocol: string, target: string, key: string): string | null {
    const row = this.#database.get('SELECT * FROM told WHERE protocol = ? AND target = ? AND key = ?', [protocol, target, key]);
    return row === undefined ? null : this.#parse(row).value;
  }

  /** Checks every row and returns the number of rows. */
  check(): number {
    let count = 0;
    for (const row of this.#database.iterate('SELECT * FROM told')) {
      this.#parse(row);
      count += 1;
    }
    return count;
  }

  #parse(row: SqliteRow): TargetNote {
    const { protocol, target, key, value } = row;
    this.#seals.require(row, [protocol, target, key, value].map(String));
    return { target: String(target), key: String(key), value: String(value) };
  }
}
