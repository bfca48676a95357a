import type { Sqlite, SqliteRow } from './sqlite.ts';

/** Part of the schema of `identity.db`. */
export const accountTables = `CREATE TABLE accounts (
    id TEXT PRIMARY KEY, issuer TEXT NOT NULL, name_key TEXT NOT NULL, user_name TEXT NOT NULL, external_id TEXT, emails TEXT NOT NULL,
    is_active INTEGER NOT NULL, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, UNIQUE (issuer, name_key)) STRICT;
  CREATE TABLE ended (name TEXT PRIMARY KEY, before_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TRIGGER count_ended AFTER INSERT ON ended BEGIN UPDATE revocations SET count = count + 1; END;
  CREATE TRIGGER count_ended_again AFTER UPDATE OF before_ms ON ended WHEN NEW.before_ms > OLD.before_ms
  BEGIN UPDATE revocations SET count = count + 1; END`;

/** No token is made after this time, in milliseconds since 1970. */
export const forGoodMs = Number.MAX_SAFE_INTEGER;

/** A token that names its sign-in is not accepted for longer after it was made, so the end of a sign-in need not be kept for longer either. */
export const signInTokenMsMax = 30 * 86_400_000;
/** Sign-ins that ended are looked through once in this time. */
const pruneMs = 86_400_000;
/** The name of a sign-in, not of an account nor of all sign-ins of one; see `signInKey`. */
const signInForm = /^[^/#]*#(?!\/)/;

/** An account at an issuer, as the issuer's directory tells it (SCIM). It grants nothing. */
export interface Account {
  readonly id: string;
  /** The name of the issuer. */
  readonly issuer: string;
  readonly userName: string;
  readonly externalId: string | null;
  readonly emails: readonly string[];
  readonly isActive: boolean;
  readonly createdMs: number;
  readonly changedMs: number;
}

/**
 * The accounts of `identity.db`, and the ends of sign-ins: for a name, the time up to which its tokens are refused. A name is what `accountKey` and `signInKey`
 * make.
 */
export class Accounts {
  readonly #database: Sqlite;
  /** All ends are in memory: each request with a token asks for one. */
  readonly #ended: Map<string, number>;
  #prunedMs = 0;

  /** Takes the database after `Tokens` has brought it to the newest schema. */
  constructor(database: Sqlite) {
    this.#database = database;
    this.#ended = new Map(database.all('SELECT * FROM ended').map((row) => [String(row['name']), Number(row['before_ms'])]));
  }

  find(issuer: string, id: string): Account | null {
    return parse(this.#database.get('SELECT * FROM accounts WHERE issuer = ? AND id = ?', [issuer, id]));
  }

  /** Finds an account by its name, without regard to upper and lower case (RFC 7643, 4.1.1). */
  findByName(issuer: string, userName: string): Account | null {
    return parse(this.#database.get('SELECT * FROM accounts WHERE issuer = ? AND name_key = ?', [issuer, userName.toLowerCase()]));
  }

  findByExternalId(issuer: string, externalId: string): Account | null {
    return parse(this.#database.get('SELECT * FROM accounts WHERE issuer = ? AND external_id = ?', [issuer, externalId]));
  }

  /** Returns accounts in the order of their ids, and the number of all. */
  list(issuer: string, { from, limit }: { readonly from: number; readonly limit: number }): { readonly total: number; readonly accounts: readonly Account[] } {
    const total = Number(this.#database.get('SELECT count(*) AS total FROM accounts WHERE issuer = ?', [issuer])?.['total']);
    const rows = this.#database.all('SELECT * FROM accounts WHERE issuer = ? ORDER BY id LIMIT ? OFFSET ?', [issuer, limit, from]);
    return { total, accounts: rows.flatMap((row) => parse(row) ?? []) };
  }

  inactive(issuer: string): readonly Account[] {
    return this.#database.all('SELECT * FROM accounts WHERE issuer = ? AND is_active = 0', [issuer]).flatMap((row) => parse(row) ?? []);
  }

  /** Adds an account or replaces the one with its id, together with the ends that follow from it. */
  put(account: Account, ends: ReadonlyMap<string, number>): void {
    const { id, issuer, userName, externalId, emails, isActive, createdMs, changedMs } = account;
    const row = [id, issuer, userName.toLowerCase(), userName, externalId, JSON.stringify(emails), isActive ? 1 : 0, createdMs, changedMs];
    this.#with(ends, () => {
      this.#database.run(`INSERT OR REPLACE INTO accounts VALUES (${row.map(() => '?').join(', ')})`, row);
    });
  }

  remove(id: string, ends: ReadonlyMap<string, number>): void {
    this.#with(ends, () => {
      this.#database.run('DELETE FROM accounts WHERE id = ?', [id]);
    });
  }

  /** Has the tokens of a name refused that were made up to a time. An end that is later already stays. */
  endSignIns(name: string, beforeMs: number): void {
    if (beforeMs > this.endedBefore(name)) {
      this.#with(new Map([[name, beforeMs]]), () => undefined);
    }
    if (beforeMs - this.#prunedMs > pruneMs) {
      this.#prunedMs = beforeMs;
      this.#prune(beforeMs - signInTokenMsMax);
    }
  }

  /** Forgets the sign-ins that ended before a time. */
  #prune(beforeMs: number): void {
    for (const [name, endedMs] of this.#ended) {
      if (endedMs < beforeMs && signInForm.test(name)) {
        this.#database.run('DELETE FROM ended WHERE name = ?', [name]);
        this.#ended.delete(name);
      }
    }
  }

  /** The time up to which tokens of a name are refused, in milliseconds since 1970, UTC; `forGoodMs` while its account is not active; 0 if all are accepted. */
  endedBefore(name: string): number {
    return this.#ended.get(name) ?? 0;
  }

  #with(ends: ReadonlyMap<string, number>, act: () => void): void {
    this.#database.transaction(() => {
      act();
      for (const [name, beforeMs] of ends) {
        this.#database.run('INSERT INTO ended VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET before_ms = excluded.before_ms', [name, beforeMs]);
      }
    });
    for (const [name, beforeMs] of ends) {
      this.#ended.set(name, beforeMs);
    }
  }
}

function parse(row: SqliteRow | undefined): Account | null {
  return row === undefined
    ? null
    : {
        id: String(row['id']),
        issuer: String(row['issuer']),
        userName: String(row['user_name']),
        externalId: row['external_id'] === null ? null : String(row['external_id']),
        emails: JSON.parse(String(row['emails'])),
        isActive: row['is_active'] === 1,
        createdMs: Number(row['created_ms']),
        changedMs: Number(row['changed_ms']),
      };
}
