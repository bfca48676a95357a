import type { KeyObject } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import type { Sqlite } from '../store/sqlite.ts';
import { unwrapBytes, wrapKey } from './wrapping.ts';

/** `told` is the size of the log when it was on record that it is carried out; 0: it is not. */
export const waitingSchema = `
  CREATE TABLE IF NOT EXISTS waiting_erasures (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL, told INTEGER NOT NULL DEFAULT 0) STRICT;
`;

interface WaitingRow {
  readonly id: string;
  /** The subject, as it was given to `add` or `tell`. */
  readonly facts: string;
}

/** The erasures of a key store that wait for a second person, or are being carried out. What each is about is sealed, because its query may name somebody, and leaves no bytes when it is removed. */
export class WaitingRows {
  readonly #database: Sqlite;
  readonly #key: KeyObject;

  constructor(database: Sqlite, key: KeyObject) {
    this.#database = database;
    this.#key = key;
  }

  /** Returns at most `limit`, the oldest first, with the size of the log when each was on record; 0: it waits. One that was changed from outside is removed. Throws GatewayError `cannot_record`. */
  all(limit: number): readonly (WaitingRow & { readonly told: number })[] {
    return this.#database.all('SELECT id, sealed, told FROM waiting_erasures ORDER BY number LIMIT ?', [limit]).flatMap((row) => {
      const [id, sealed] = [String(row['id']), row['sealed']];
      const facts = sealed instanceof Uint8Array ? this.#open(id, sealed) : null;
      if (facts === null) {
        this.remove(id);
      }
      return facts === null ? [] : [{ id, facts, told: Number(row['told']) }];
    });
  }

  /** Throws GatewayError `cannot_record`. */
  add({ id, facts }: WaitingRow): void {
    this.#database.run('INSERT INTO waiting_erasures (id, sealed) VALUES (?, ?)', [id, wrapKey(this.#key, purposeOf(id), Buffer.from(facts))]);
  }

  /** Notes that one is on record in a log of so many records, and puts something else in the place of its subject. Throws GatewayError `cannot_record`. */
  tell({ id, facts }: WaitingRow, size: number): void {
    this.#database.run('UPDATE waiting_erasures SET sealed = ?, told = ? WHERE id = ?', [wrapKey(this.#key, purposeOf(id), Buffer.from(facts)), size, id]);
  }

  /** Throws GatewayError `cannot_record`. */
  remove(id: string): void {
    this.#database.run('DELETE FROM waiting_erasures WHERE id = ?', [id]);
  }

  #open(id: string, sealed: Uint8Array): string | null {
    try {
      return unwrapBytes(this.#key, purposeOf(id), sealed).toString();
    } catch (error) {
      if (error instanceof GatewayError) {
        return null;
      }
      throw error;
    }
  }
}

/** Lets those wait again that were told to a longer log: this one lost its end, or is a copy of its beginning. */
export function untellWaiting(database: Sqlite, size: number): void {
  database.run('UPDATE waiting_erasures SET told = 0 WHERE told > ?', [size]);
}

function purposeOf(id: string): string {
  return `countersign/waiting-erasure/${id}`;
}
