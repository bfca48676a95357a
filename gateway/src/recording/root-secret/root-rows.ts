import { existsSync, statSync } from 'node:fs';
import { openAsFound } from '../../store/found-sqlite.ts';
import type { Sqlite, SqliteRow } from '../../store/sqlite.ts';

export const seedPurpose = 'countersign/seed';

/**
 * One row: the newest root secret. A store of before has none: there the local root key is the root secret. `told` is the size of the log when it was on record that it is in force; 0: it
 * is not yet; 1: nobody need be told, for it is the first.
 */
export const rootSchema = `
  CREATE TABLE IF NOT EXISTS root_key (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, wrapped BLOB NOT NULL, created INTEGER NOT NULL, seed BLOB NOT NULL,
    told INTEGER NOT NULL) STRICT;
`;

/** The root secret as the key store has it. */
export interface RootRow {
  /** How many root secrets there were, this one included; that of a store of before counts. */
  readonly id: number;
  /** The name of the provider that wrapped it. */
  readonly provider: string;
  readonly wrapped: Uint8Array;
  /** Since when, in Unix ms, this provider has wrapped this secret. */
  readonly createdMs: number;
  /** The seed of the keys that stay when the root secret changes, wrapped by the root secret. */
  readonly seed: Uint8Array;
  /** True once it is on record that it is in force. */
  readonly isTold: boolean;
}

export function findRootRow(database: Sqlite): RootRow | null {
  const row = database.get('SELECT id, provider, wrapped, created, seed, told FROM root_key');
  return row === undefined
    ? null
    : {
        id: Number(row['id']),
        provider: String(row['provider']),
        wrapped: blob(row, 'wrapped'),
        createdMs: Number(row['created']),
        seed: blob(row, 'seed'),
        isTold: row['told'] !== 0,
      };
}

/** Puts a root secret in the place of the one before. To be called in a transaction. */
export function writeRootRow(database: Sqlite, { id, provider, wrapped, createdMs, seed, isTold }: RootRow): void {
  database.run('DELETE FROM root_key');
  database.run('INSERT INTO root_key (id, provider, wrapped, created, seed, told) VALUES (?, ?, ?, ?, ?, ?)', [
    id,
    provider,
    wrapped,
    createdMs,
    seed,
    isTold ? 1 : 0,
  ]);
}

/** Forgets that it was told to a longer log: this one lost its end, or is a copy of its beginning. */
export function untellRoot(database: Sqlite, size: number): void {
  database.run('UPDATE root_key SET told = 0 WHERE told > max(1, ?)', [size]);
}

/** The root secret in the file of a key store that is not open yet. `row` is null in a store of before. `isUntouched`: there is no key in it yet. */
interface FoundRoot {
  readonly row: RootRow | null;
  readonly isUntouched: boolean;
}

/** Reads the root secret of a key store that another process may have open. Throws GatewayError `store_damaged`. */
export function readRootRow(file: string): FoundRoot {
  // A first start on a full disk leaves a file without a byte.
  if (!existsSync(file) || statSync(file).size === 0) {
    return { row: null, isUntouched: true };
  }
  using found = openAsFound(file);
  const { database } = found;
  const has = (table: string): boolean => database.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [table]) !== undefined;
  const isEmpty = (table: string): boolean => !has(table) || database.get(`SELECT 1 FROM ${table}`) === undefined;
  return { row: has('root_key') ? findRootRow(database) : null, isUntouched: isEmpty('signing_key') && isEmpty('class_key') };
}

function blob(row: SqliteRow, name: string): Uint8Array {
  const value = row[name];
  if (!(value instanceof Uint8Array)) {
    throw new TypeError('the key store holds a root secret that is none');
  }
  return value;
}
