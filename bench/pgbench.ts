import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { GatewayProcess } from '../tests/support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../tests/support/postgres-server.ts';

export const scale = 10;

/** One way to the database, as libpq's environment says it. */
export interface DatabaseWay {
  readonly name: string;
  /** Id of the process between the client and the database; null if there is none. */
  readonly pid: number | null;
  readonly environment: Readonly<Record<string, string>>;
}

export interface PgbenchLoad {
  /** How pgbench sends a statement: `simple`, `extended` or `prepared`. */
  readonly mode: string;
  readonly clients: number;
  readonly seconds: number;
  /** A file with the statement of each transaction in place of that of `-S`. */
  readonly script?: string | null;
  /** Most transactions a second; as many as there can be by default. */
  readonly rateMax?: number;
}

export interface PgbenchResult {
  readonly transactions: number;
  /** Transactions a second, without the time in which the clients connect. */
  readonly rate: number;
}

/** A PostgreSQL with pgbench's tables. */
export async function startDatabase(): Promise<PostgresServer> {
  const database = await startPostgres({ settings: { log_statement: 'none', shared_buffers: '512MB', max_connections: '200' } });
  runProgram('pgbench', ['-i', '-q', '-s', String(scale)], directly(database).environment);
  return database;
}

export function directly(database: PostgresServer): DatabaseWay {
  return { name: 'direct', pid: null, environment: libpq(database.port, { user: database.user, password: database.password, database: 'postgres' }) };
}

/** Through a process that changes nothing of the login. */
export function throughPeer(name: string, database: PostgresServer, { port, pid }: { readonly port: number; readonly pid: number }): DatabaseWay {
  return { name, pid, environment: { ...directly(database).environment, PGPORT: String(port) } };
}

/** To a target of the gateway, as its principal `bench`. */
export function throughGateway(name: string, gateway: GatewayProcess, target: string): DatabaseWay {
  const login = { user: 'bench', password: gateway.token('bench'), database: target };
  return { name, pid: gateway.pid, environment: libpq(gateway.port('postgres'), login) };
}

/** `pgbench -S`: one SELECT of one row by its key in each transaction, or the statement of a file. */
export function pgbench({ environment }: DatabaseWay, load: PgbenchLoad): PgbenchResult {
  return readReport(runProgram('pgbench', wordsOf(load), environment));
}

/** Does the same while this process goes on with other things. */
export async function pgbenchMeanwhile({ environment }: DatabaseWay, load: PgbenchLoad): Promise<PgbenchResult> {
  const { stdout } = await promisify(execFile)('pgbench', wordsOf(load), { env: { ...process.env, ...environment } });
  return readReport(stdout);
}

function wordsOf({ mode, clients, seconds, script = null, rateMax }: PgbenchLoad): readonly string[] {
  return [
    '-n',
    ...(script === null ? ['-S'] : ['-f', script]),
    '-M',
    mode,
    '-c',
    String(clients),
    '-j',
    String(Math.min(clients, 2)),
    '-T',
    String(seconds),
    ...(rateMax === undefined ? [] : ['-R', String(rateMax)]),
  ];
}

function readReport(report: string): PgbenchResult {
  const [, transactions] = /^number of transactions actually processed: (\d+)/m.exec(report) ?? [];
  const [, rate] = /^tps = ([\d.]+)/m.exec(report) ?? [];
  return { transactions: Number(transactions), rate: Number(rate) };
}

export function runProgram(program: string, words: readonly string[], environment: Readonly<Record<string, string>>): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { env: { ...process.env, ...environment }, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${program} failed: ${error?.message ?? stderr}`);
  }
  return stdout;
}

function libpq(port: number, login: { readonly user: string; readonly password: string; readonly database: string }): Readonly<Record<string, string>> {
  return { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: login.user, PGPASSWORD: login.password, PGDATABASE: login.database, PGSSLMODE: 'disable' };
}
