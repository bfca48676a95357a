import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../tests/support/postgres-server.ts';
import { installBun } from './bun.ts';
import { startPgBouncer } from './pgbouncer.ts';
import { median, printMachine, printTable, thousands } from './table.ts';

const modes = ['simple', 'prepared'];
const clientCounts = [1, 8, 32];
const rounds = 3;
const roundSeconds = 4;
const scale = 10;
const rowBytes = 1024;
const resultBytes = 1024 * 1024 * 1024;

/** One way to the database, as libpq's environment says it. */
interface Way {
  readonly name: string;
  /** The process of the gateway, if it is one of ours. */
  readonly pid?: number;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * `pgbench -S` and a SELECT of 1 GiB, directly, through PgBouncer and through a gateway with everything on, durability `process` and `disk`; every round
 * takes the ways in turn. Needs pgbench, psql and pgbouncer: `sh tools/debian.sh pgbouncer`.
 */
export async function benchPostgres(): Promise<void> {
  printMachine();
  await using database = await startPostgres({ settings: { log_statement: 'none', shared_buffers: '512MB', max_connections: '200' } });
  await using bouncer = await startPgBouncer(database);
  const direct = libpq(database.port, { user: database.user, password: database.password, database: 'postgres' });
  run('pgbench', ['-i', '-q', '-s', String(scale)], direct);
  await using gateway = await startGateway(database, []);
  const bun = installBun();
  await using bunGateway = bun === null ? null : await startGateway(database, runsOn(bun));
  const ways: Way[] = [
    { name: 'direct', environment: direct },
    { name: 'PgBouncer', environment: { ...direct, PGPORT: String(bouncer.port) } },
    through('Countersign, process', gateway, 'process'),
    through('Countersign, disk', gateway, 'disk'),
    ...(bunGateway === null ? [] : [through('Countersign on Bun, process', bunGateway, 'process')]),
  ];
  console.log(`pgbench -S, scale ${scale}, ${rounds} rounds of ${roundSeconds} s in alternation, medians\n`);
  printTable([['mode', 'clients', 'way', 'transactions/s', 'µs each', 'of direct', 'of PgBouncer'], ...measureTransactions(ways)]);
  console.log(`\nSELECT of ${thousands(resultBytes / rowBytes)} rows of ${rowBytes} B by psql, ${rounds} rounds in alternation, medians\n`);
  printTable([['way', 's', 'MB/s', 'of direct', 'most memory of the gateway before → after'], ...measureResult(ways)]);
}

function startGateway(database: PostgresServer, wrapper: readonly string[]): Promise<GatewayProcess> {
  const target = `url: "${database.url}", password: { env: BENCH_PASSWORD }`;
  const config = `targets:
  process: { ${target}, durability: process }
  disk: { ${target}, durability: disk }
principals:
  bench: { kind: agent, targets: [process, disk] }
`;
  return GatewayProcess.start({ config, environment: { BENCH_PASSWORD: database.password }, wrapper });
}

/** Puts another runtime in the place of the one that the command begins with. */
function runsOn(runtime: string): readonly string[] {
  return ['sh', '-c', 'shift; exec "$0" "$@"', runtime];
}

function through(name: string, gateway: GatewayProcess, target: string): Way {
  const login = { user: 'bench', password: gateway.token('bench'), database: target };
  return { name, pid: gateway.pid, environment: libpq(gateway.port('postgres'), login) };
}

function measureTransactions(ways: readonly Way[]): string[][] {
  const rows: string[][] = [];
  for (const mode of modes) {
    for (const clients of clientCounts) {
      const rates = alternate(ways, (way) => transactionRate(way, mode, clients));
      const [direct = Number.NaN, bouncer = Number.NaN] = rates;
      for (const [i, rate] of rates.entries()) {
        const name = ways[i]?.name ?? '';
        rows.push([mode, String(clients), name, thousands(rate), ((clients * 1e6) / rate).toFixed(0), (rate / direct).toFixed(2), (rate / bouncer).toFixed(2)]);
      }
    }
  }
  return rows;
}

function transactionRate(way: Way, mode: string, clients: number): number {
  const words = ['-n', '-S', '-M', mode, '-c', String(clients), '-j', String(Math.min(clients, 2)), '-T', String(roundSeconds)];
  const [, rate] = /^tps = ([\d.]+)/m.exec(run('pgbench', words, way.environment)) ?? [];
  return Number(rate);
}

function measureResult(ways: readonly Way[]): string[][] {
  const statement = `select repeat('x', ${rowBytes}) from generate_series(1, ${resultBytes / rowBytes})`;
  const before = ways.map(memoryPeakMb);
  const times = alternate(ways, (way) => {
    const started = performance.now();
    run('psql', ['-X', '-At', '-o', '/dev/null', '-c', statement], way.environment);
    return (performance.now() - started) / 1000;
  });
  const [direct = Number.NaN] = times;
  return ways.map((way, i) => {
    const seconds = times[i] ?? Number.NaN;
    const memory = way.pid === undefined ? '' : `${before[i]} → ${memoryPeakMb(way)} MB`;
    return [way.name, seconds.toFixed(2), thousands(resultBytes / seconds / 1e6), (direct / seconds).toFixed(2), memory];
  });
}

/** The median of each way, measured in turn. */
function alternate(ways: readonly Way[], measure: (way: Way) => number): number[] {
  const all = ways.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of ways.entries()) {
      all[i]?.push(measure(way));
    }
  }
  return all.map(median);
}

/** NaN where it is no process of ours. */
function memoryPeakMb({ pid }: Way): number {
  const [, kilobytes] = pid === undefined ? [] : (/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []);
  return Math.round(Number(kilobytes) / 1024);
}

function libpq(port: number, login: { readonly user: string; readonly password: string; readonly database: string }): Readonly<Record<string, string>> {
  return { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: login.user, PGPASSWORD: login.password, PGDATABASE: login.database, PGSSLMODE: 'disable' };
}

function run(program: string, words: readonly string[], environment: Readonly<Record<string, string>>): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { env: { ...process.env, ...environment }, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${program} failed: ${error?.message ?? stderr}`);
  }
  return stdout;
}
