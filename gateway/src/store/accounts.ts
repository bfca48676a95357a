import type { Database, Row, Statement, Value } from './database.ts';
import type { RowSeal } from './row-seal.ts';

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

/** The accounts at issuers. */
export class Accounts {
  readonly #database: Database;
  readonly #seal: RowSeal;

  constructor(database: Database, seal: RowSeal) {
    this.#database = database;
    this.#seal = seal;
  }

  async find(issuer: string, id: string): Promise<Account | null> {
    return this.#find('id', issuer, id);
  }

  /** Finds an account by its name, without regard to upper and lower case (RFC 7643, 4.1.1). */
  async findByName(issuer: string, userName: string): Promise<Account | null> {
    return this.#find('name_key', issuer, userName.toLowerCase());
  }

  async findByExternalId(issuer: string, externalId: string): Promise<Account | null> {
    return this.#find('external_id', issuer, externalId);
  }

  /** Returns accounts in the order of their ids, and the number of all. */
  async list(
    issuer: string,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): Promise<{ readonly total: number; readonly accounts: readonly Account[] }> {
    const [counted] = await this.#database.all('SELECT count(*) AS total FROM accounts WHERE issuer = ?', [issuer]);
    const rows = await this.#database.all('SELECT * FROM accounts WHERE issuer = ? ORDER BY id LIMIT ? OFFSET ?', [issuer, limit, from]);
    return { total: Number(counted?.['total']), accounts: rows.map((row) => this.#parse({ ...row, issuer })) };
  }

  /** All accounts of an issuer that are not active. */
  async inactive(issuer: string): Promise<readonly Account[]> {
    const rows = await this.#database.all('SELECT * FROM accounts WHERE issuer = ? AND is_active = 0', [issuer]);
    return rows.map((row) => this.#parse({ ...row, issuer, is_active: 0 }));
  }

  /**
   * Returns the statements that add an account, or replace it as it was read. They are executed together with what follows from them, and there is a conflict if
   * somebody else has changed it since.
   */
  putting(account: Account, before: Account | null): readonly Statement[] {
    const values = valuesOf(account);
    return [
      ...(before === null ? [] : this.removing(before)),
      [
        `INSERT INTO accounts (id, issuer, name_key, user_name, external_id, emails, is_active, created_ms, changed_ms, mac)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [...values, this.#seal.of('accounts', values)],
      ],
    ];
  }

  /** Returns the statements that remove an account as it was read. */
  removing({ id, changedMs }: Account): readonly Statement[] {
    return [['DELETE FROM accounts WHERE id = ? AND changed_ms = ?', [id, changedMs]]];
  }

  async #find(column: 'id' | 'name_key' | 'external_id', issuer: string, value: string): Promise<Account | null> {
    const [row] = await this.#database.all(`SELECT * FROM accounts WHERE issuer = ? AND ${column} = ?`, [issuer, value]);
    return row === undefined ? null : this.#parse({ ...row, issuer, [column]: value });
  }

  /** Reads a row, in which the values that were asked for stand in the place of those in the answer: the seal says whether it is a row that was asked for. */
  #parse(row: Row): Account {
    const [id = '', issuer = '', name = '', userName = '', emails = ''] = ['id', 'issuer', 'name_key', 'user_name', 'emails'].map((column) =>
      String(row[column]),
    );
    const externalId = row['external_id'] === null ? null : String(row['external_id']);
    const [isActive, createdMs, changedMs] = [row['is_active'] === 1, Number(row['created_ms']), Number(row['changed_ms'])];
    this.#seal.require(row['mac'], 'accounts', [id, issuer, name, userName, externalId, emails, isActive ? 1 : 0, createdMs, changedMs], id);
    return { id, issuer, userName, externalId, emails: JSON.parse(emails), isActive, createdMs, changedMs };
  }
}

function valuesOf({ id, issuer, userName, externalId, emails, isActive, createdMs, changedMs }: Account): readonly Value[] {
  return [id, issuer, userName.toLowerCase(), userName, externalId, JSON.stringify(emails), isActive ? 1 : 0, createdMs, changedMs];
}
