import type { Database, Row, Statement, Value } from './database.ts';
import { KeyConflict } from './database.ts';
import { embeddedMigrations } from './identity-schema.ts';
import { migrate } from './migrations.ts';
import { isKeyConflict, openSqlite, type Sqlite } from './sqlite.ts';

/** With so many pages ahead, thousands of rows are written on a full disk. */
const pagesAhead = 64;
const pageBytes = 4096;

/** A file of this gateway alone. */
export class EmbeddedDatabase implements Database {
  readonly isShared = false;
  readonly #sqlite: Sqlite;

  /** Opens `identity.db`, makes it if it is missing, and brings it to the newest schema. Throws GatewayError `store_damaged` or `unsupported`. */
  constructor(file: string) {
    this.#sqlite = openSqlite(file, { journal: 'persist', secureDelete: true });
    migrate(this.#sqlite, embeddedMigrations);
    keepRoom(this.#sqlite);
  }

  async all(sql: string, values: readonly Value[] = []): Promise<readonly Row[]> {
    return this.#sqlite.all(sql, values);
  }

  async change(statements: readonly Statement[]): Promise<void> {
    try {
      this.#sqlite.transaction(() => {
        for (const [sql, values] of statements) {
          this.#sqlite.run(sql, values);
        }
      });
    } catch (cause) {
      throw isKeyConflict(cause) ? new KeyConflict('a row with the same key is there already', { cause }) : cause;
    }
  }

  async listen(): Promise<void> {
    // Nobody else changes it.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sqlite.close();
  }
}

/** Ensures that a token can be revoked on a full disk: the file has free pages, and its journal has the space to take back a change of them. */
function keepRoom(sqlite: Sqlite): void {
  if (Number(sqlite.get('PRAGMA freelist_count')?.['freelist_count']) < pagesAhead / 2) {
    sqlite.transaction(() => {
      sqlite.exec('CREATE TABLE room (bytes BLOB NOT NULL) STRICT');
      sqlite.run('INSERT INTO room (bytes) VALUES (zeroblob(?))', [pagesAhead * pageBytes]);
    });
    sqlite.transaction(() => {
      sqlite.exec('DROP TABLE room');
    });
  }
}
