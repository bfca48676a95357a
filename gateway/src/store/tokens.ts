import type { Kysely } from 'kysely';
import { openDatabase } from './database.ts';
import { migrate } from './migrations.ts';
import type { Sqlite } from './sqlite.ts';

const migrations = [
  `CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, principal TEXT NOT NULL, on_behalf_of TEXT, session TEXT,
    created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER) STRICT`,
  `ALTER TABLE tokens ADD COLUMN targets TEXT`,
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
}

export interface StoredToken {
  /** Public: names the token in records and lists. */
  readonly id: string;
  readonly principal: string;
  readonly onBehalfOf: string | null;
  /** A run token speaks only inside this session. */
  readonly session: string | null;
  /** What it reaches of what its principal was granted; null: all. */
  readonly targets: readonly string[] | null;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly revokedMs: number | null;
}

/** Tokens that were found are kept at hand: HTTP clients prove theirs with each request. */
const knownMax = 4_096;

/** The tokens of `identity.db`, which is this process's alone. Holds hashes, never tokens. */
export class Tokens {
  readonly #known = new Map<string, StoredToken>();
  #changes = 0;
  readonly #database: Kysely<{ tokens: TokenRow }>;

  constructor(sqlite: Sqlite) {
    migrate(sqlite, migrations);
    this.#database = openDatabase(sqlite);
  }

  /** Grows with whatever makes a token that was read another one. */
  get changes(): number {
    return this.#changes;
  }

  async add(token: StoredToken, hash: Uint8Array): Promise<void> {
    await this.#database.insertInto('tokens').values(formatRow(token, hash)).execute();
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
    // What was revoked while it was read is not kept as it was.
    return changes === this.#changes ? this.#keep(key, token) : token;
  }

  /** Oldest first, without those of runs. */
  async list(): Promise<readonly StoredToken[]> {
    const rows = await this.#database.selectFrom('tokens').selectAll().where('session', 'is', null).orderBy('created_ms').orderBy('id').execute();
    return rows.map(parseRow);
  }

  /** The moment of the first revocation stays. False when there is no such token. */
  async revoke(id: string, nowMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#database
      .updateTable('tokens')
      .set((query) => ({ revoked_ms: query.fn.coalesce('revoked_ms', query.val(nowMs)) }))
      .where('id', '=', id)
      .executeTakeFirst();
    this.#forget();
    return numUpdatedRows > 0n;
  }

  async removeExpired(beforeMs: number): Promise<void> {
    await this.#database.deleteFrom('tokens').where('expires_ms', '<', beforeMs).execute();
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

function formatRow(token: StoredToken, hash: Uint8Array): TokenRow {
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
