import pg from 'pg';
import { startPostgres, type PostgresServer } from '../tests/support/postgres-server.ts';
import { directly, runProgram } from './pgbench.ts';

/** The facts as a table with the indexes that one would make for such questions. `lines` are the facts as NDJSON. */
const load = `
  CREATE TABLE facts AS SELECT
    (line->>'time')::bigint AS time, line->'principal'->>0 AS principal, line->'session'->>0 AS session, line->'model'->>0 AS model,
    list(line->'kind') AS kinds, list(line->'table-read') AS reads, list(line->'class') AS classes, line->>'text' AS text, line AS facts
  FROM lines;
  CREATE INDEX ON facts (time);
  CREATE INDEX ON facts (principal, time);
  CREATE INDEX ON facts (model text_pattern_ops, time);
  CREATE INDEX ON facts USING gin (kinds);
  CREATE INDEX ON facts USING gin (reads);
  CREATE INDEX ON facts USING gin (classes);
  CREATE INDEX ON facts USING gin (to_tsvector('simple', text));
  DROP TABLE lines;
  ANALYZE facts;
`;
const prepare = `
  CREATE FUNCTION list(jsonb) RETURNS text[] IMMUTABLE LANGUAGE sql AS $$ SELECT array(SELECT jsonb_array_elements_text($1)) $$;
  CREATE UNLOGGED TABLE lines (line jsonb);
`;
/** No line has these characters, so that each is one value. */
const copy = String.raw`\copy lines from pstdin with (format csv, quote e'\x01', delimiter e'\x02')`;

/** A PostgreSQL with the facts of a store in a table. */
export class FactsInPostgres implements AsyncDisposable {
  readonly #server: PostgresServer;
  readonly #client: pg.Client;
  /** The time to load the table and to make its indexes, and their bytes together. */
  readonly seconds: number;
  readonly bytes: number;

  private constructor(server: PostgresServer, client: pg.Client, { seconds, bytes }: { readonly seconds: number; readonly bytes: number }) {
    this.#server = server;
    this.#client = client;
    this.seconds = seconds;
    this.bytes = bytes;
  }

  static async load(file: string): Promise<FactsInPostgres> {
    const server = await startPostgres({ settings: { log_statement: 'none', shared_buffers: '512MB', maintenance_work_mem: '256MB' } });
    const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, password: server.password, database: 'postgres' });
    await client.connect();
    const begun = performance.now();
    await client.query(prepare);
    runProgram('sh', ['-c', `psql -Xqc "$1" < "$2"`, 'sh', copy, file], directly(server).environment);
    await client.query(load);
    const seconds = (performance.now() - begun) / 1000;
    const { rows } = await client.query("SELECT pg_total_relation_size('facts') AS bytes");
    return new FactsInPostgres(server, client, { seconds, bytes: Number(rows[0]?.bytes) });
  }

  /** Asks, and returns how long the answer took, in ms. */
  async ask(sql: string): Promise<number> {
    const begun = performance.now();
    await this.#client.query(sql);
    return performance.now() - begun;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
    await this.#server[Symbol.asyncDispose]();
  }
}
