import { readFileSync } from 'node:fs';
import { printAims, type Aim } from './aims.ts';
import { alternate } from './alternate.ts';
import { installBun, runsOn } from './bun.ts';
import { cpuMeaning, withCpuTime } from './cpu-time.ts';
import { startDatabaseGateway } from './gateway.ts';
import { startScript } from './peer.ts';
import { directly, pgbench, runProgram, scale, startDatabase, throughGateway, throughPeer, type DatabaseWay } from './pgbench.ts';
import { startPgBouncer } from './pgbouncer.ts';
import { median, printMachine, printTable, ratio, thousands } from './table.ts';

const modes = ['simple', 'prepared'];
const clientCounts = [1, 8, 32];
const rounds = 3;
const roundSeconds = 4;
/** Before anything is measured, in each way and mode: just-in-time compilers go on for some hundred thousand (docs/adr/0052-what-more-was-tried.md). */
const warmUp = { clients: 8, seconds: 25 };
const gatewayName = 'Countersign, process';
const rowBytes = 1024;
const resultBytes = 1024 * 1024 * 1024;

/** Medians of one way under one load. */
interface Transactions {
  readonly mode: string;
  readonly clients: number;
  readonly way: string;
  /** Transactions a second. */
  readonly rate: number;
  /** Processor time of the process between client and database, in microseconds a transaction. */
  readonly cpu: number;
}

/**
 * `pgbench -S` and a SELECT of 1 GiB, directly, through a bare pipe of two sockets, through PgBouncer and through a gateway with everything on, durability
 * `process` and `disk`; every round takes the ways in turn. `postgres [simple|prepared|result] [CLIENTS]` measures a part. Needs pgbench, psql and pgbouncer:
 * `sh tools/debian.sh pgbouncer`.
 */
export async function benchPostgres([part, clients]: readonly string[]): Promise<void> {
  printMachine();
  await using database = await startDatabase();
  await using bouncer = await startPgBouncer(database);
  await using pipe = await startScript('pipe.ts', [String(database.port)]);
  await using gateway = await startDatabaseGateway(database);
  const bun = installBun();
  await using bunGateway = bun === null ? null : await startDatabaseGateway(database, { wrapper: runsOn(bun) });
  const ways: DatabaseWay[] = [
    directly(database),
    throughPeer('bare pipe', database, pipe),
    throughPeer('PgBouncer', database, bouncer),
    throughGateway(gatewayName, gateway, 'process'),
    throughGateway('Countersign, disk', gateway, 'disk'),
    ...(bunGateway === null ? [] : [throughGateway('Countersign on Bun, process', bunGateway, 'process')]),
  ];
  const wantedModes = modes.filter((mode) => part === undefined || part === mode);
  const wantedCounts = clientCounts.filter((count) => clients === undefined || Number(clients) === count);
  if (wantedModes.length > 0) {
    await measureTransactions(ways, wantedModes, wantedCounts);
  }
  if (part === undefined || part === 'result') {
    await measureResult(ways);
  }
}

async function measureTransactions(ways: readonly DatabaseWay[], wantedModes: readonly string[], wantedCounts: readonly number[]): Promise<void> {
  const all: Transactions[] = [];
  for (const mode of wantedModes) {
    for (const way of ways) {
      pgbench(way, { mode, ...warmUp });
    }
    for (const clients of wantedCounts) {
      all.push(...(await measureLoad(ways, { mode, clients })));
    }
  }
  console.log(`pgbench -S, scale ${scale}, ${rounds} rounds of ${roundSeconds} s in alternation after a warm-up, medians; ${cpuMeaning}\n`);
  const head = ['mode', 'clients', 'way', 'transactions/s', 'µs each', 'CPU µs each', 'CPU of bare pipe', 'rate of direct', 'rate of PgBouncer'];
  const find = ({ mode, clients }: Transactions, way: string): Transactions | undefined =>
    all.find((each) => each.mode === mode && each.clients === clients && each.way === way);
  const rows = all.map((each) => {
    const { mode, clients, way, rate, cpu } = each;
    const times = [((clients * 1e6) / rate).toFixed(0), Number.isNaN(cpu) ? '' : cpu.toFixed(1), ratio(cpu, find(each, 'bare pipe')?.cpu)];
    return [mode, String(clients), way, thousands(rate), ...times, ratio(rate, find(each, 'direct')?.rate), ratio(rate, find(each, 'PgBouncer')?.rate)];
  });
  printTable([head, ...rows]);
  printAims(all.filter(({ mode, way }) => mode === 'prepared' && way === gatewayName).flatMap((each) => aimsOf(each, (way) => find(each, way))));
}

/** The aims of the gateway in mode `prepared`. */
function aimsOf({ clients, rate, cpu }: Transactions, find: (way: string) => Transactions | undefined): Aim[] {
  if (clients === 1) {
    return [{ text: 'time ≤ 2.0 times direct, prepared, 1 client', measured: (find('direct')?.rate ?? Number.NaN) / rate, most: 2 }];
  }
  return clients === 8
    ? [
        { text: 'CPU ≤ 2.2 times the bare pipe, prepared, 8 clients', measured: cpu / (find('bare pipe')?.cpu ?? Number.NaN), most: 2.2 },
        { text: 'rate ≥ 0.55 of PgBouncer, prepared, 8 clients', measured: rate / (find('PgBouncer')?.rate ?? Number.NaN), least: 0.55 },
      ]
    : [];
}

async function measureLoad(ways: readonly DatabaseWay[], load: { readonly mode: string; readonly clients: number }): Promise<Transactions[]> {
  const results = await alternate(ways, rounds, async (way) => {
    const { result, cpu } = await withCpuTime(way.pid, () => pgbench(way, { ...load, seconds: roundSeconds }));
    return { rate: result.rate, cpu: cpu / result.transactions };
  });
  return ways.map(({ name }, i) => {
    const of = results[i] ?? [];
    return { ...load, way: name, rate: median(of.map(({ rate }) => rate)), cpu: median(of.map(({ cpu }) => cpu)) };
  });
}

async function measureResult(ways: readonly DatabaseWay[]): Promise<void> {
  const statement = `select repeat('x', ${rowBytes}) from generate_series(1, ${resultBytes / rowBytes})`;
  const before = ways.map(memoryPeakMb);
  const results = await alternate(ways, rounds, async (way) => {
    const started = performance.now();
    const { result, cpu } = await withCpuTime(way.pid, () => {
      runProgram('psql', ['-X', '-At', '-o', '/dev/null', '-c', statement], way.environment);
      return (performance.now() - started) / 1000;
    });
    return { seconds: result, cpu: cpu / 1e6 };
  });
  const secondsOf = (way: string): number => median((results[ways.findIndex(({ name }) => name === way)] ?? []).map(({ seconds }) => seconds));
  console.log(`\nSELECT of ${thousands(resultBytes / rowBytes)} rows of ${rowBytes} B by psql, ${rounds} rounds in alternation, medians\n`);
  const rows = ways.map((way, i) => {
    const seconds = secondsOf(way.name);
    const cpu = median((results[i] ?? []).map((each) => each.cpu));
    const memory = Number.isNaN(before[i]) ? '' : `${before[i]} → ${memoryPeakMb(way)} MB`;
    return [
      way.name,
      seconds.toFixed(2),
      thousands(resultBytes / seconds / 1e6),
      Number.isNaN(cpu) ? '' : cpu.toFixed(2),
      ratio(secondsOf('direct'), seconds),
      memory,
    ];
  });
  printTable([['way', 's', 'MB/s', 'CPU s', 'rate of direct', 'most memory of the process between, before → after'], ...rows]);
  printAims([{ text: 'rate ≥ 0.9 of direct on 1 GiB', measured: secondsOf('direct') / secondsOf(gatewayName), least: 0.9 }]);
}

/** NaN where there is no process between. */
function memoryPeakMb({ pid }: DatabaseWay): number {
  const [, kilobytes] = pid === null ? [] : (/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []);
  return Math.round(Number(kilobytes) / 1024);
}
