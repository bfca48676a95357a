import { readFileSync } from 'node:fs';
import pg from 'pg';
import { GatewayError } from '../domain/errors.ts';
import type { StoreSettings } from '../domain/store-settings.ts';
import { KeyConflict, notKept, type Database, type Row, type Statement, type Value } from './database.ts';
import { postgresMigrations } from './identity-schema.ts';

/** The longest that a connection or an answer is waited for. */
const answerMs = 5_000;
const connectionsMax = 4;
/** The key of the advisory lock under which the schema is changed: "csig" in ASCII. */
const schemaLock = 0x63_73_69_67;
const channel = 'countersign_identities';
/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const uniqueViolation = '23505';
const notInEncoding = '22021';

/** A client that sends its password in the clear to nobody: whatever has the port may ask for it, and pg answers. */
class StoreClient extends pg.Client {
  constructor(config: pg.ClientConfig = {}) {
    super(config);
    if (config.ssl === undefined || config.ssl === false) {
      const { connection } = this;
      // This is heard before pg answers.
      connection.on('authenticationCleartextPassword', () => {
        connection.stream.destroy(new Error('it asks for the password in the clear, and the connection to it has no TLS'));
      });
    }
  }
}

/** A PostgreSQL that many gateways share. Values of bigint are numbers: a gateway writes none that does not fit. */
export class PostgresDatabase implements Database {
  readonly isShared = true;
  readonly #name: string;
  readonly #config: pg.ClientConfig;
  readonly #pool: pg.Pool;
  #listener: pg.Client | null = null;

  private constructor(settings: StoreSettings) {
    const { host, port, database } = settings;
    this.#name = `${host}:${port}/${database}`;
    this.#config = clientConfig(settings);
    this.#pool = new pg.Pool({ ...this.#config, max: connectionsMax, Client: StoreClient });
    // A connection that is lost while nobody uses it is replaced when somebody needs one.
    this.#pool.on('error', () => undefined);
  }

  /** Opens a store and brings it to the newest schema. Rejects with GatewayError `store_unreachable`, or `unsupported` if a newer gateway changed the schema. */
  static async open(settings: StoreSettings): Promise<PostgresDatabase> {
    await using parts = new AsyncDisposableStack();
    const database = parts.use(new PostgresDatabase(settings));
    try {
      await database.#migrate();
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'store_unreachable') {
        throw new GatewayError('store_unreachable', `The store ${database.#name} cannot be used: ${wordsOf(error.cause)}.`, { cause: error.cause });
      }
      throw error;
    }
    parts.move();
    return database;
  }

  async all(sql: string, values: readonly Value[] = []): Promise<readonly Row[]> {
    return this.#orUnreachable(async () => {
      const { rows }: { readonly rows: readonly Row[] } = await this.#pool.query(numbered(sql), [...values]);
      return rows;
    });
  }

  async change(statements: readonly Statement[]): Promise<void> {
    await this.#transaction(async (query) => {
      for (const [sql, values] of statements) {
        await query(numbered(sql), values);
      }
      await query(`NOTIFY ${channel}`);
    });
  }

  async listen(onChange: () => void): Promise<void> {
    if (this.#listener !== null) {
      return;
    }
    const listener = new StoreClient(this.#config);
    const lose = (): void => {
      if (this.#listener === listener) {
        this.#listener = null;
      }
      listener.end().catch(() => undefined);
    };
    listener.on('error', lose);
    listener.on('end', lose);
    listener.on('notification', onChange);
    this.#listener = listener;
    try {
      await this.#orUnreachable(async () => {
        await listener.connect();
        await listener.query(`LISTEN ${channel}`);
      });
    } catch (error) {
      lose();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    await listener?.end().catch(() => undefined);
    await this.#pool.end();
  }

  /** Two gateways that start at the same time change the schema one after the other. */
  async #migrate(): Promise<void> {
    await this.#transaction(async (query) => {
      await query('SELECT pg_advisory_xact_lock($1)', [schemaLock]);
      await query('CREATE TABLE IF NOT EXISTS schema_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)');
      const [row] = await query('SELECT version FROM schema_version');
      const version = Number(row?.['version'] ?? 0);
      if (version > postgresMigrations.length) {
        throw new GatewayError(
          'unsupported',
          `The store ${this.#name} has schema ${version} and this Countersign knows ${postgresMigrations.length}: use the version that changed it, or a newer one.`,
        );
      }
      for (const migration of postgresMigrations.slice(version)) {
        await query(migration);
      }
      await query('INSERT INTO schema_version VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET version = excluded.version', [postgresMigrations.length]);
    });
  }

  async #transaction(body: (query: (sql: string, values?: readonly Value[]) => Promise<readonly Row[]>) => Promise<void>): Promise<void> {
    await this.#orUnreachable(async () => {
      const client = await this.#pool.connect();
      let failure: Error | undefined;
      try {
        await client.query('BEGIN');
        await body(async (sql, values) => {
          const { rows }: { readonly rows: readonly Row[] } = await client.query(sql, values === undefined ? undefined : [...values]);
          return rows;
        });
        await client.query('COMMIT');
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        // The server takes back what a connection that closes has not committed.
        client.release(failure);
      }
    });
  }

  async #orUnreachable<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      if (cause instanceof GatewayError) {
        throw cause;
      }
      if (cause instanceof pg.DatabaseError && cause.code === uniqueViolation) {
        throw new KeyConflict('a row with the same key is there already', { cause });
      }
      if (cause instanceof pg.DatabaseError && cause.code === notInEncoding) {
        throw notKept();
      }
      // Clients read this, so it does not say where the store is.
      throw new GatewayError('store_unreachable', 'The store of identities cannot be asked now: try again in a moment.', { cause });
    }
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof AggregateError ? cause.errors.map(wordsOf).join(', ') : cause instanceof Error ? cause.message : String(cause);
}

function clientConfig({ host, port, database, user, password, tls }: StoreSettings): pg.ClientConfig {
  return {
    host,
    port,
    database,
    user,
    password,
    ssl: tls === null ? false : { rejectUnauthorized: true, ...(tls.caFile === null ? {} : { ca: readFileSync(tls.caFile, 'utf8') }) },
    application_name: 'countersign',
    connectionTimeoutMillis: answerMs,
    query_timeout: answerMs,
    statement_timeout: answerMs,
    // A gateway that stands still in a transaction must not hold up the others.
    idle_in_transaction_session_timeout: answerMs,
    keepAlive: true,
    types: { getTypeParser: (type, format) => (type === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(type, format)) },
  };
}

/** Writes `?` as `$1`, `$2` and so on. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => {
    count += 1;
    return `$${count}`;
  });
}
