import { closeSync, existsSync, openSync } from 'node:fs';
import { backup, DatabaseSync, type DatabaseSyncOptions, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { GatewayError } from '../domain/errors.ts';

export type SqliteRow = Readonly<Record<string, SQLOutputValue>>;
export type SqliteValue = SQLInputValue;

export interface SqliteOptions {
  /**
   * `truncate` leaves no copies of deleted rows (key material) on the disk. `persist` keeps the space of the journal, so that rows can be changed on a full
   * disk. `wal` lets readers continue while one writes.
   */
  readonly journal: 'truncate' | 'persist' | 'wal';
  /** Deleted content is overwritten with zeros. */
  readonly secureDelete?: boolean;
}

const busyMs = 5000;
/** Pages that are copied at once: nobody who uses the database waits for more of them. */
const pagesAtOnce = 100;
/** The extended result code SQLITE_READONLY_ROLLBACK, https://sqlite.org/rescode.html */
const readOnlyRollback = 776;
/** SQLITE_FULL, https://sqlite.org/rescode.html */
const sqliteFull = 13;
/**
 * SQLITE_ERROR (for a correct statement it means that the table is missing), SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB,
 * https://sqlite.org/rescode.html
 */
const unreadable = new Set([1, 10, 11, 14, 26]);
/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE, https://sqlite.org/rescode.html */
const keyConflicts = new Set([1555, 2067]);
/** SQLITE_BUSY, https://sqlite.org/rescode.html */
const sqliteBusy = 5;

/**
 * The only adapter of node:sqlite. A commit is on stable storage when the call returns. Each method that changes something throws GatewayError `cannot_record`
 * on a full disk, and while another process holds the file.
 */
export class Sqlite implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  get(sql: string, values: readonly SqliteValue[] = []): SqliteRow | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, values: readonly SqliteValue[] = []): SqliteRow[] {
    return this.#prepare(sql).all(...values);
  }

  iterate(sql: string, values: readonly SqliteValue[] = []): IterableIterator<SqliteRow> {
    return this.#prepare(sql).iterate(...values);
  }

  /** Runs a statement and returns the id of the inserted row, if it inserted one. */
  run(sql: string, values: readonly SqliteValue[] = []): number {
    return Number(this.change(sql, values).lastInsertRowid);
  }

  change(sql: string, values: readonly SqliteValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint } {
    return orCannotRecord(() => this.#prepare(sql).run(...values));
  }

  transaction<T>(body: () => T): T {
    return orCannotRecord(() => this.#transaction(body));
  }

  /** Reads several times from one state of the database, which another connection may change meanwhile. */
  snapshot(read: () => void): void {
    this.#database.exec('BEGIN');
    try {
      read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  /** Writes the database, as it is when this resolves, to a new file. Others go on using it, and what they change through this connection is in the copy too. Rejects with GatewayError `cannot_record` on a full disk. */
  async copyTo(file: string): Promise<void> {
    closeSync(openSync(file, 'ax', 0o600));
    try {
      await backup(this.#database, file, { rate: pagesAtOnce });
    } catch (cause) {
      throw asCannotRecord(cause);
    }
  }

  #transaction<T>(body: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // Some failures, such as a full disk, have already ended the transaction.
      if (this.#database.isTransaction) {
        this.#database.exec('ROLLBACK');
      }
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Opens a database for reading and writing; makes it if it is missing. Throws GatewayError `store_damaged`. */
export function openSqlite(file: string, options: SqliteOptions): Sqlite {
  return orDamaged(file, () => {
    // SQLite gives its journal the same mode as the database.
    if (file !== ':memory:') {
      makeIfMissing(file);
    }
    const database = new DatabaseSync(file, { timeout: busyMs });
    database.exec(`PRAGMA journal_mode = ${options.journal}`);
    database.exec('PRAGMA synchronous = FULL');
    database.exec(`PRAGMA secure_delete = ${options.secureDelete === true ? 'ON' : 'OFF'}`);
    return new Sqlite(database);
  });
}

/**
 * Holds the whole file until it is disposed of or the process ends. Waits at most `waitMs`; null if another process, or another part of this one, still holds
 * the file. SQLite asks the kernel for the lock and writes nothing. Throws GatewayError `store_damaged` if the file cannot be opened or locked.
 */
export function holdSqlite(file: string, waitMs: number): Disposable | null {
  return lockSqlite(file, { timeout: waitMs }, 'BEGIN EXCLUSIVE');
}

/** True if `holdSqlite` holds this file now, in this process or another. */
export function isHeldSqlite(file: string): boolean {
  const seen = lockSqlite(file, { timeout: 0, readOnly: true }, 'BEGIN; SELECT count(*) FROM sqlite_schema');
  seen?.[Symbol.dispose]();
  return seen === null;
}

function lockSqlite(file: string, options: DatabaseSyncOptions, lock: string): Disposable | null {
  return orDamaged(file, () => {
    if (options.readOnly !== true) {
      makeIfMissing(file);
    }
    const database = new DatabaseSync(file, options);
    try {
      // Nothing is written, so no journal needs to be a file. Node's databases refuse to have none (OFF).
      database.exec(`PRAGMA journal_mode = MEMORY; ${lock}`);
      return database;
    } catch (error) {
      database.close();
      if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) {
        return null;
      }
      throw error;
    }
  });
}

/** Opens a database for reading: no file is made or changed. Throws GatewayError `store_damaged`, also if the file is missing. */
export function openSqliteReadOnly(file: string): Sqlite {
  return orDamaged(file, () => new Sqlite(new DatabaseSync(file, { readOnly: true, timeout: busyMs })));
}

/**
 * Opens a database for reading, after taking back a change that was left unfinished in it. The file must belong to this process alone. Throws GatewayError
 * `store_damaged`.
 */
export function openSqliteRecovered(file: string): Sqlite {
  return orDamaged(file, () => {
    const database = new DatabaseSync(file, { timeout: busyMs });
    database.exec('PRAGMA query_only = ON');
    return new Sqlite(database);
  });
}

/** True if a change was left unfinished and could not be taken back, because the database was opened only for reading. */
export function isUnfinished(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === readOnlyRollback;
}

/** True if the file is damaged, was replaced or is missing. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && unreadable.has(Number(error.errcode) & 0xff);
}

/** True if a row with the same key is there already. */
export function isKeyConflict(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && keyConflicts.has(Number(error.errcode));
}

/**
 * Runs an act that changes the file of a database of journal mode `truncate` past SQLite, while no connection reads or writes it. Afterwards each connection, in this process and others, reads
 * again what it had read before. Throws GatewayError `cannot_record` or `store_damaged` before the act, and what the act throws.
 */
export function changePastSqlite(file: string, act: () => void): void {
  const existing = pathToFileURL(file);
  existing.searchParams.set('mode', 'rw');
  // The file is opened by SQLite alone: to close a descriptor of it would end the locks of other connections of this process.
  using database = orDamaged(file, () => new Sqlite(new DatabaseSync(existing, { timeout: busyMs })));
  orCannotRecord(() => {
    database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA locking_mode = EXCLUSIVE');
  });
  // This commit counts the change. It comes first, so that an act that fails half-way is counted, too, and the lock is held until the connection is closed.
  database.transaction(() => {
    database.exec(`PRAGMA user_version = ${Number(database.get('PRAGMA user_version')?.['user_version'])}`);
  });
  act();
}

/** A file that is there is not opened: to close it again would end the locks that connections of this process have on it. */
function makeIfMissing(file: string): void {
  if (!existsSync(file)) {
    closeSync(openSync(file, 'a', 0o600));
  }
}

function orCannotRecord<T>(change: () => T): T {
  try {
    return change();
  } catch (cause) {
    throw asCannotRecord(cause);
  }
}

function asCannotRecord(cause: unknown): unknown {
  const code = cause instanceof Error && 'errcode' in cause ? cause.errcode : null;
  if (code === sqliteFull) {
    return new GatewayError('cannot_record', 'There is no space left on the disk of the data directory.', { cause });
  }
  if (code === sqliteBusy) {
    return new GatewayError('cannot_record', 'Another process has locked a database of the data directory, so nothing can be written to it.', { cause });
  }
  return cause;
}

function orDamaged<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('store_damaged', `${file} cannot be opened: ${reason}.`, { cause });
  }
}

/** The offsets of the two bytes that say that a database has a write-ahead log. A database in memory cannot have one. */
const walMarks = [18, 19] as const;
const withoutWal = 1;

/** Opens a database in memory with the content of `file`. It is empty if `file` is null or is not a database. It leaves no file behind. */
export function openMemorySqlite(file: Uint8Array | null = null): Sqlite {
  const database = new DatabaseSync(':memory:');
  if (file === null) {
    return new Sqlite(database);
  }
  try {
    const bytes = Uint8Array.from(file);
    walMarks.forEach((at) => bytes.fill(withoutWal, at, at + 1));
    database.deserialize(bytes);
    database.exec('SELECT count(*) FROM sqlite_schema');
    return new Sqlite(database);
  } catch {
    database.close();
    return openMemorySqlite();
  }
}
