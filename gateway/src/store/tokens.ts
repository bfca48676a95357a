import { accountTables } from './accounts.ts';
import { migrate } from './migrations.ts';
import type { Sqlite, SqliteRow, SqliteValue } from './sqlite.ts';

const migrations = [
  `CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, principal TEXT NOT NULL, on_behalf_of TEXT, session TEXT,
    created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER) STRICT`,
  `ALTER TABLE tokens ADD COLUMN targets TEXT`,
  `ALTER TABLE tokens ADD COLUMN unrecorded_made_by TEXT;
  ALTER TABLE tokens ADD COLUMN unrecorded_revoked_by TEXT`,
  `CREATE TABLE revocations (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
  INSERT INTO revocations (id, count) SELECT 1, count(*) FROM tokens WHERE revoked_ms IS NOT NULL;
  CREATE TRIGGER count_revocations AFTER UPDATE OF revoked_ms ON tokens WHEN OLD.revoked_ms IS NULL AND NEW.revoked_ms IS NOT NULL
  BEGIN UPDATE revocations SET count = count + 1; END`,
  `CREATE TABLE suspensions (
    principal TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, unrecorded INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TRIGGER count_suspensions AFTER INSERT ON suspensions BEGIN UPDATE revocations SET count = count + 1; END`,
  accountTables,
];

export interface StoredToken {
  /** Names the token in records and lists; it is not secret. */
  readonly id: string;
  readonly principal: string;
  readonly onBehalfOf: string | null;
  /** Id of the run's session, for the token of a run: it is valid only for that session. Null for all other tokens. */
  readonly session: string | null;
  /** The targets that the token reaches, which must also be granted to its principal. Null: all that are granted. */
  readonly targets: readonly string[] | null;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly revokedMs: number | null;
}

/** The creation or revocation of a token that is not yet recorded. */
export interface TokenAct {
  readonly act: 'create' | 'revoke';
  readonly token: string;
  readonly principal: string;
  readonly timeMs: number;
  readonly by: string;
}

/** A principal whose tokens are not accepted until it is resumed. */
export interface Suspension {
  readonly principal: string;
  readonly sinceMs: number;
  readonly by: string;
  readonly reason: string;
}

/** Most tokens that are kept in memory after they were read: HTTP clients send theirs with each request. */
const knownMax = 4_096;

/** The tokens of `identity.db`. Only this process opens the file. It holds hashes of tokens, never tokens. */
export class Tokens {
  readonly #known = new Map<string, StoredToken>();
  readonly #suspended: Map<string, Suspension>;
  readonly #database: Sqlite;

  constructor(database: Sqlite) {
    migrate(database, migrations);
    this.#database = database;
    this.#suspended = new Map(database.all('SELECT * FROM suspensions').map((row) => [String(row['principal']), parseSuspension(row)]));
  }

  /** Adds a token. `hash` is its SHA-256 in hex. `unrecordedBy` is the principal that made it, if its creation must still be recorded; see `recorded`. */
  add(token: StoredToken, hash: string, unrecordedBy: string | null): void {
    const row: Readonly<Record<string, SqliteValue>> = {
      id: token.id,
      hash: Buffer.from(hash, 'hex'),
      principal: token.principal,
      on_behalf_of: token.onBehalfOf,
      session: token.session,
      targets: token.targets === null ? null : JSON.stringify(token.targets),
      created_ms: token.createdMs,
      expires_ms: token.expiresMs,
      revoked_ms: token.revokedMs,
      unrecorded_made_by: unrecordedBy,
    };
    const columns = Object.keys(row);
    this.#database.run(`INSERT INTO tokens (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`, Object.values(row));
  }

  /** Finds a token by its SHA-256 in hex. */
  findByHash(hash: string): StoredToken | null {
    const known = this.#known.get(hash);
    if (known !== undefined) {
      return known;
    }
    const row = this.#database.get('SELECT * FROM tokens WHERE hash = ?', [Buffer.from(hash, 'hex')]);
    return row === undefined ? null : this.#keep(hash, parseRow(row));
  }

  /** All tokens except those of runs, oldest first. */
  list(): readonly StoredToken[] {
    return this.#database.all('SELECT * FROM tokens WHERE session IS NULL ORDER BY created_ms, id').map(parseRow);
  }

  /**
   * Revokes a token at `nowMs` (Unix ms); an earlier revocation stays as it is. Null if there is no such token. `unrecordedBy` is the principal that revokes
   * it.
   */
  revoke(id: string, nowMs: number, unrecordedBy: string): StoredToken | null {
    this.#change('UPDATE tokens SET revoked_ms = ?, unrecorded_revoked_by = ? WHERE id = ? AND revoked_ms IS NULL', [nowMs, unrecordedBy, id]);
    const row = this.#database.get('SELECT * FROM tokens WHERE id = ?', [id]);
    return row === undefined ? null : parseRow(row);
  }

  /** Suspends a principal; an earlier suspension stays as it is. It must still be recorded, and then noted by `recordedSuspension`. */
  suspend(suspension: Suspension): void {
    const { principal, sinceMs, by, reason } = suspension;
    const row = [principal, sinceMs, by, reason];
    const { changes } = this.#database.change('INSERT OR IGNORE INTO suspensions VALUES (?, ?, ?, ?, 1)', row);
    if (Number(changes) > 0) {
      this.#suspended.set(principal, suspension);
    }
  }

  /** Ends a suspension. Returns false if there is none. */
  resume(principal: string): boolean {
    this.#database.run('DELETE FROM suspensions WHERE principal = ?', [principal]);
    return this.#suspended.delete(principal);
  }

  /** The suspensions, in the order in which they were made since the start. */
  suspensions(): readonly Suspension[] {
    return [...this.#suspended.values()];
  }

  suspension(principal: string): Suspension | null {
    return this.#suspended.get(principal) ?? null;
  }

  /** The suspensions that are not yet recorded, oldest first. */
  unrecordedSuspensions(): readonly Suspension[] {
    return this.#database.all('SELECT * FROM suspensions WHERE unrecorded = 1 ORDER BY since_ms').map(parseSuspension);
  }

  /** Notes that a suspension is recorded. To be called once its record is committed. */
  recordedSuspension(principal: string): void {
    this.#database.run('UPDATE suspensions SET unrecorded = 0 WHERE principal = ?', [principal]);
  }

  /** The number of tokens that were ever revoked, of principals that were ever suspended and of sign-ins that were ended, including those that were removed since. An older copy of the file has fewer. */
  revocations(): number {
    return Number(this.#database.get('SELECT count FROM revocations')?.['count']);
  }

  /** The acts that are not yet recorded, oldest first. */
  unrecorded(): readonly TokenAct[] {
    const acts = ([act, by, time]: readonly ['create' | 'revoke', string, string]): readonly TokenAct[] =>
      this.#database
        .all(`SELECT id, principal, ${by} AS by, ${time} AS time_ms FROM tokens WHERE ${by} IS NOT NULL`)
        .map((row) => ({ act, token: String(row['id']), principal: String(row['principal']), timeMs: Number(row['time_ms']), by: String(row['by']) }));
    return [...acts(['create', 'unrecorded_made_by', 'created_ms']), ...acts(['revoke', 'unrecorded_revoked_by', 'revoked_ms'])].toSorted(
      (a, b) => a.timeMs - b.timeMs,
    );
  }

  /** Notes that an act is recorded. To be called once its record is committed. */
  recorded({ act, token }: Pick<TokenAct, 'act' | 'token'>): void {
    this.#database.run(`UPDATE tokens SET ${act === 'create' ? 'unrecorded_made_by' : 'unrecorded_revoked_by'} = NULL WHERE id = ?`, [token]);
  }

  removeExpired(beforeMs: number): void {
    this.#change('DELETE FROM tokens WHERE expires_ms < ? AND unrecorded_made_by IS NULL AND unrecorded_revoked_by IS NULL', [beforeMs]);
  }

  /** Runs a change and forgets the tokens in memory, because they may be outdated. */
  #change(sql: string, values: readonly SqliteValue[]): void {
    this.#database.run(sql, values);
    this.#known.clear();
  }

  #keep(hash: string, token: StoredToken): StoredToken {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= knownMax) {
      this.#known.delete(oldest);
    }
    this.#known.set(hash, token);
    return token;
  }
}

function parseSuspension(row: SqliteRow): Suspension {
  return { principal: String(row['principal']), sinceMs: Number(row['since_ms']), by: String(row['by']), reason: String(row['reason']) };
}

function parseRow(row: SqliteRow): StoredToken {
  const text = (column: string): string | null => (row[column] === null ? null : String(row[column]));
  const targets = text('targets');
  return {
    id: String(row['id']),
    principal: String(row['principal']),
    onBehalfOf: text('on_behalf_of'),
    session: text('session'),
    targets: targets === null ? null : JSON.parse(targets),
    createdMs: Number(row['created_ms']),
    expiresMs: Number(row['expires_ms']),
    revokedMs: row['revoked_ms'] === null ? null : Number(row['revoked_ms']),
  };
}
