import type { Database, Row } from './database.ts';
import type { RowSeal } from './row-seal.ts';

/** A token as it was made. Nothing of it ever changes; that it was revoked is in the list of exclusions. */
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
}

/** The creation of a token that is not yet recorded. */
export interface MadeToken {
  readonly token: StoredToken;
  readonly by: string;
}

/** Most tokens that are kept in memory after they were read: HTTP clients send theirs with each request. */
const knownMax = 4_096;

/** The tokens that gateways made. The database holds hashes of tokens, never tokens. */
export class Tokens {
  readonly #database: Database;
  readonly #seal: RowSeal;
  readonly #gateway: string;
  readonly #known = new Map<string, StoredToken>();

  constructor(database: Database, seal: RowSeal, gateway: string) {
    this.#database = database;
    this.#seal = seal;
    this.#gateway = gateway;
  }

  /** Adds a token. `hash` is its SHA-256 in hex. `unrecordedBy` is the principal that made it, if its creation must still be recorded; see `recorded`. */
  async add(token: StoredToken, hash: string, unrecordedBy: string | null): Promise<void> {
    const values = valuesOf(token, hash);
    const sql = `INSERT INTO tokens (id, hash, principal, on_behalf_of, session, targets, created_ms, expires_ms, unrecorded_made_by, gateway, mac)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    const [id, , ...rest] = values;
    const madeBy = unrecordedBy === null ? null : `${this.#seal.of('made tokens', [id, this.#gateway, unrecordedBy])}${unrecordedBy}`;
    await this.#database.change([[sql, [id, Buffer.from(hash, 'hex'), ...rest, madeBy, this.#gateway, this.#seal.of('tokens', values)]]]);
  }

  /** Finds a token by its SHA-256 in hex. Rejects with GatewayError `store_unreachable` or `store_damaged`. */
  findByHash(hash: string): StoredToken | Promise<StoredToken | null> {
    return this.#known.get(hash) ?? this.#read(hash);
  }

  async find(id: string): Promise<StoredToken | null> {
    const [row] = await this.#database.all('SELECT * FROM tokens WHERE id = ?', [id]);
    return row === undefined ? null : this.#parse({ ...row, id });
  }

  /** The ids of the tokens of a principal that were made after a time, by a clock that is ahead. A row that no gateway wrote is none, and holds up nothing. */
  async idsMadeAfter(principal: string, timeMs: number): Promise<readonly string[]> {
    const rows = await this.#database.all('SELECT * FROM tokens WHERE principal = ? AND created_ms > ?', [principal, timeMs]);
    return rows.flatMap((row) => (this.#seal.isOf(row['mac'], 'tokens', sealedOf({ ...row, principal })) ? [String(row['id'])] : []));
  }

  /** All tokens except those of runs, oldest first. */
  async list(): Promise<readonly StoredToken[]> {
    return (await this.#database.all('SELECT * FROM tokens WHERE session IS NULL ORDER BY created_ms, id')).map((row) => this.#parse(row));
  }

  /** The tokens that were made at this gateway, or without one, and whose creation is not yet recorded, oldest first. */
  async unrecorded(): Promise<readonly MadeToken[]> {
    const sql = `SELECT * FROM tokens WHERE unrecorded_made_by IS NOT NULL AND gateway IN (?, '') ORDER BY created_ms`;
    return (await this.#database.all(sql, [this.#gateway])).map((row) => {
      const token = this.#parse(row);
      const madeBy = String(row['unrecorded_made_by']);
      const by = madeBy.slice(this.#seal.characters);
      this.#seal.require(madeBy.slice(0, this.#seal.characters), 'made tokens', [token.id, String(row['gateway']), by], token.id);
      return { token, by };
    });
  }

  /** Notes that the creation of a token is recorded. To be called once its record is committed. */
  async recorded(id: string): Promise<void> {
    await this.#database.change([['UPDATE tokens SET unrecorded_made_by = NULL WHERE id = ?', [id]]]);
  }

  /** Forgets tokens that expired before a time, once all that was done to them is recorded. */
  async removeExpired(beforeMs: number): Promise<void> {
    const sql = `DELETE FROM tokens
      WHERE expires_ms < ? AND unrecorded_made_by IS NULL AND id NOT IN (SELECT name FROM exclusions WHERE unrecorded = 1)`;
    await this.#database.change([[sql, [beforeMs]]]);
  }

  async #read(hash: string): Promise<StoredToken | null> {
    const asked = Buffer.from(hash, 'hex');
    const [row] = await this.#database.all('SELECT * FROM tokens WHERE hash = ?', [asked]);
    if (row === undefined) {
      return null;
    }
    const token = this.#parse({ ...row, hash: asked });
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= knownMax) {
      this.#known.delete(oldest);
    }
    this.#known.set(hash, token);
    return token;
  }

  /** Reads a row, in which the value that was asked for stands in the place of the one in the answer: the seal says whether it is the row that was asked for. */
  #parse(row: Row): StoredToken {
    const values = sealedOf(row);
    const [id, , principal, onBehalfOf, session, targets, createdMs, expiresMs] = values;
    this.#seal.require(row['mac'], 'tokens', values, id);
    return { id, principal, onBehalfOf, session, targets: targets === null ? null : JSON.parse(targets), createdMs, expiresMs };
  }
}

type SealedValues = readonly [
  id: string,
  hash: string,
  principal: string,
  onBehalfOf: string | null,
  session: string | null,
  targets: string | null,
  createdMs: number,
  expiresMs: number,
];

function valuesOf({ id, principal, onBehalfOf, session, targets, createdMs, expiresMs }: StoredToken, hash: string): SealedValues {
  return [id, hash, principal, onBehalfOf, session, targets === null ? null : JSON.stringify(targets), createdMs, expiresMs];
}

function sealedOf(row: Row): SealedValues {
  const text = (column: string): string | null => (row[column] === null ? null : String(row[column]));
  const { hash } = row;
  const hex = hash instanceof Uint8Array ? Buffer.from(hash).toString('hex') : '';
  const [createdMs, expiresMs] = [Number(row['created_ms']), Number(row['expires_ms'])];
  return [String(row['id']), hex, String(row['principal']), text('on_behalf_of'), text('session'), text('targets'), createdMs, expiresMs];
}
