import { createHmac, type KeyObject } from 'node:crypto';
import { firstHoldClass } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { Sqlite } from '../store/sqlite.ts';
import { standardClass } from './retention.ts';

export const classNumbersSchema = `
  CREATE TABLE IF NOT EXISTS keeping (class INTEGER PRIMARY KEY, query_digest BLOB NOT NULL UNIQUE) STRICT;
`;

/**
 * The numbers of the classes of keeping. A query gets a number of its own once and for good: leaves name it, so it must never mean something else. What the query is, this table does not
 * tell, because a query may name somebody: it has digests under a key.
 */
export class ClassNumbers {
  readonly #database: Sqlite;
  readonly #key: KeyObject;

  constructor(database: Sqlite, key: KeyObject) {
    this.#database = database;
    this.#key = key;
  }

  /** Returns the number of the class of a query; null: it has none yet. */
  find(query: string): number | null {
    const row = this.#database.get('SELECT class FROM keeping WHERE query_digest = ?', [this.#digest(query)]);
    return row === undefined ? null : Number(row['class']);
  }

  /** Returns the number of the class of a query, which gets one if it has none. Throws GatewayError `limit_exceeded` if all numbers are used. */
  give(query: string): number {
    const known = this.find(query);
    if (known !== null) {
      return known;
    }
    const next = Number(this.#database.get('SELECT max(class) AS newest FROM keeping')?.['newest'] ?? standardClass) + 1;
    if (next >= firstHoldClass) {
      throw new GatewayError('limit_exceeded', `This store has had ${next - 2} rules of retention, which is the limit: use queries that it knows.`);
    }
    this.#database.run('INSERT INTO keeping (class, query_digest) VALUES (?, ?)', [next, this.#digest(query)]);
    return next;
  }

  #digest(query: string): Uint8Array {
    return createHmac('sha256', this.#key).update(query).digest();
  }
}
