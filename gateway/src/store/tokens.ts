import type { Kysely } from 'kysely';
import { openDatabase } from './database.ts';
import { migrate } from './migrations.ts';
import type { Sqlite } from './sqlite.ts';

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
];

interface TokenRow {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly principal: string;
  readonly on_behalf_of: string | null;
  readonly session: string | null;
  readonly targets: string | null;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly revoked_ms: number | null;
  readonly unrecorded_made_by: string | null;
  readonly unrecorded_revoked_by: string | null;
}

export interface StoredToken {
  /** Public: names the token in records and lists. */
  readonly id: string;
  readonly principal: string;
  readonly onBehalfOf: string | null;
  /** A run token speaks only inside this session. */
  readonly session: string | null;
  /** The targets that the token reaches, of those granted to its principal; null: all. */
  readonly targets: readonly string[] | null;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly revokedMs: number | null;
}

/** The making or revoking of a token that is not recorded yet. */
export interface TokenAct {
  readonly act: 'create' | 'revoke';
  readonly token: string;
  readonly principal: string;
  readonly timeMs: number;
  readonly by: string;
}

/** Tokens that were found are kept at hand: HTTP clients prove theirs with each request. */
const knownMax = 4_096;

/** The tokens of `identity.db`, which is this process's alone. Holds hashes, never tokens. */
export class Tokens {
  readonly #known = new Map<string, StoredToken>();
  #changes = 0;
  readonly #database: Kysely<{ tokens: TokenRow; revocations: { readonly count: number } }>;

  constructor(sqlite: Sqlite) {
    migrate(sqlite, migrations);
    this.#database = openDatabase(sqlite);
  }

  /** Grows with whatever makes a token that was read another one. */
  get changes(): number {
    return this.#changes;
  }

  /** `unrecordedBy`: who made it, until `recorded` is called. */
  async add(token: StoredToken, hash: Uint8Array, unrecordedBy: string | null): Promise<void> {
    await this.#database
      .insertInto('tokens')
      .values({ ...formatRow(token, hash), unrecorded_made_by: unrecordedBy, unrecorded_revoked_by: null })
      .execute();
  }

  async findByHash(hash: Uint8Array): Promise<StoredToken | null> {
    const key = Buffer.from(hash).toString('base64');
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const changes = this.#changes;
    const row = await this.#database.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst();
    if (row === undefined) {
      return null;
    }
    const token = parseRow(row);
    // If tokens changed during the reading, this one may have been revoked: it is not kept.
    return changes === this.#changes ? this.#keep(key, token) : token;
  }

  /** Oldest first, without those of runs. */
  async list(): Promise<readonly StoredToken[]> {
    const rows = await this.#database.selectFrom('tokens').selectAll().where('session', 'is', null).orderBy('created_ms').orderBy('id').execute();
    return rows.map(parseRow);
  }

  /** The moment of the first revocation stays. Null when there is no such token. */
  async revoke(id: string, nowMs: number, unrecordedBy: string): Promise<StoredToken | null> {
    await this.#database
      .updateTable('tokens')
      .set({ revoked_ms: nowMs, unrecorded_revoked_by: unrecordedBy })
      .where('id', '=', id)
      .where('revoked_ms', 'is', null)
      .execute();
    this.#forget();
    const row = await this.#database.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : parseRow(row);
  }

  /** The number of tokens that were ever revoked, also those that have been removed since: an older copy of the file has fewer. */
  async revocations(): Promise<number> {
    return (await this.#database.selectFrom('revocations').select('count').executeTakeFirstOrThrow()).count;
  }

  /** Oldest first. */
  async unrecorded(): Promise<readonly TokenAct[]> {
    const rows = await this.#database
      .selectFrom('tokens')
      .selectAll()
      .where((row) => row.or([row('unrecorded_made_by', 'is not', null), row('unrecorded_revoked_by', 'is not', null)]))
      .execute();
    const acts = rows.flatMap(({ id: token, principal, ...row }) => [
      ...(row.unrecorded_made_by === null ? [] : [{ act: 'create' as const, token, principal, timeMs: row.created_ms, by: row.unrecorded_made_by }]),
      ...(row.unrecorded_revoked_by === null ? [] : [{ act: 'revoke' as const, token, principal, timeMs: row.revoked_ms ?? 0, by: row.unrecorded_revoked_by }]),
    ]);
    return acts.toSorted((a, b) => a.timeMs - b.timeMs);
  }

  /** To call when it is in the record. */
  async recorded({ act, token }: Pick<TokenAct, 'act' | 'token'>): Promise<void> {
    await this.#database
      .updateTable('tokens')
      .set(act === 'create' ? { unrecorded_made_by: null } : { unrecorded_revoked_by: null })
      .where('id', '=', token)
      .execute();
  }

  async removeExpired(beforeMs: number): Promise<void> {
    await this.#database
      .deleteFrom('tokens')
      .where('expires_ms', '<', beforeMs)
      .where('unrecorded_made_by', 'is', null)
      .where('unrecorded_revoked_by', 'is', null)
      .execute();
    this.#forget();
  }

  #forget(): void {
    this.#changes += 1;
    this.#known.clear();
  }

  #keep(key: string, token: StoredToken): StoredToken {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= knownMax) {
      this.#known.delete(oldest);
    }
    this.#known.set(key, token);
    return token;
  }
}

function formatRow(token: StoredToken, hash: Uint8Array): Omit<TokenRow, 'unrecorded_made_by' | 'unrecorded_revoked_by'> {
  return {
    id: token.id,
    hash,
    principal: token.principal,
    on_behalf_of: token.onBehalfOf,
    session: token.session,
    targets: token.targets === null ? null : JSON.stringify(token.targets),
    created_ms: token.createdMs,
    expires_ms: token.expiresMs,
    revoked_ms: token.revokedMs,
  };
}

function parseRow(row: TokenRow): StoredToken {
  return {
    id: row.id,
    principal: row.principal,
    onBehalfOf: row.on_behalf_of,
    session: row.session,
    targets: row.targets === null ? null : JSON.parse(row.targets),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    revokedMs: row.revoked_ms,
  };
}
