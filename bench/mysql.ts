import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../cli/src/demo/free-port.ts';
import { startMariadbServer } from '../gateway/src/protocols/mysql/testdata/mariadb-server.ts';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { alternate } from './alternate.ts';
import { cpuMeaning, whenAtRest, withCpuTime } from './cpu-time.ts';
import { debianProgram, serving, type Peer } from './peer.ts';
import { median, printMachine, printTable, ratio, thousands } from './table.ts';

const rounds = 3;
const restLimitMs = 60_000;
const tableRows = 10_000;
const resultRows = 300_000;
/** Bytes that a row of the large result has at the client, with the ends of its columns and of itself. */
const resultRowBytes = 208;
/** Statements in a transaction of sysbench's `oltp_read_only`: 14 queries between BEGIN and COMMIT. */
const transactionQueries = 16;

interface Load {
  readonly name: string;
  /** The script of sysbench. */
  readonly script: string;
  readonly threads: number;
  readonly events: number;
  readonly eventQueries: number;
}

const loads: readonly Load[] = [
  { name: 'one row', script: 'oltp_point_select', threads: 1, events: 3000, eventQueries: 1 },
  { name: 'one row', script: 'oltp_point_select', threads: 16, events: 16_000, eventQueries: 1 },
  { name: 'oltp_read_only', script: 'oltp_read_only', threads: 16, events: 600, eventQueries: transactionQueries },
];

/** How a client reaches the server. */
interface Way {
  readonly name: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The process between client and server. Null: there is none. */
  readonly pid: number | null;
}

/**
 * sysbench and mariadb at MariaDB's server: directly, through HAProxy, which passes bytes and knows nothing of statements, and through a gateway with everything on,
 * durability `process` and `disk`. Every round takes the ways in turn.
 */
export async function benchMysql(): Promise<void> {
  printMachine();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-mysql-'));
  try {
    const serverPort = await freePort();
    await using server = await startMariadbServer([
      '--skip-networking=0',
      '--bind-address=127.0.0.1',
      `--port=${serverPort}`,
      '--innodb-buffer-pool-size=128M',
    ]);
    await using haproxy = await startHaproxy(directory, serverPort);
    const address = `url: "mysql://${server.user}@127.0.0.1:${serverPort}/shop", password: { env: BENCH_SECRET }`;
    await using gateway = await GatewayProcess.start({
      environment: { BENCH_SECRET: server.password },
      listeners: ['mysql'],
      config: `targets:
  process: { ${address}, durability: process }
  disk: { ${address}, durability: disk }
principals:
  bench: { kind: human, targets: [process, disk] }
`,
    });
    const token = await gateway.issueToken('bench');
    const { user, password } = server;
    const through = (target: string) => ({ port: gateway.port('mysql'), user: target, password: token, pid: gateway.pid });
    const direct: Way = { name: 'MariaDB alone', port: serverPort, user, password, pid: null };
    const ways: readonly Way[] = [
      direct,
      { name: 'HAProxy', port: haproxy.port, user, password, pid: haproxy.pid },
      { name: 'Countersign, process', ...through('process') },
      { name: 'Countersign, disk', ...through('disk') },
    ];
    sysbench(direct, 'oltp_read_only', [`--table-size=${tableRows}`, 'prepare']);
    server.ask(`USE shop; CREATE TABLE large AS SELECT seq AS id, REPEAT('x', 200) AS text FROM seq_${10 ** 6 - resultRows}_to_${10 ** 6 - 1}`);
    await measureStatements(ways);
    await measureResult(ways);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function startHaproxy(directory: string, serverPort: number): Promise<Peer> {
  const port = await freePort();
  const file = join(directory, 'haproxy.cfg');
  const waits = 'timeout connect 10s\n  timeout client 1h\n  timeout server 1h';
  writeFileSync(file, `defaults\n  mode tcp\n  ${waits}\nlisten mysql\n  bind 127.0.0.1:${port}\n  server mariadb 127.0.0.1:${serverPort}\n`);
  return serving(spawn(debianProgram('/usr/sbin/haproxy'), ['-q', '-f', file], { stdio: 'ignore' }), port);
}

/** Waits until what was recorded before is in the index, so that it takes no time of what is measured. */
async function rest({ pid }: Way): Promise<void> {
  if (pid !== null) {
    await whenAtRest(pid, restLimitMs);
  }
}

/** Statements that are prepared once and executed with parameters, each of which is waited for. */
async function measureStatements(ways: readonly Way[]): Promise<void> {
  const rows: string[][] = [];
  for (const load of loads) {
    const queries = load.events * load.eventQueries;
    const results = await alternate(ways, rounds, async (way) => {
      await rest(way);
      const { result, cpu } = await withCpuTime(way.pid, () => runLoad(way, load));
      return { ...result, cpu: cpu / queries };
    });
    const of = (i: number, part: 'rate' | 'p99' | 'cpu'): number => median((results[i] ?? []).map((each) => each[part]));
    for (const [i, { name }] of ways.entries()) {
      const cpu = of(i, 'cpu');
      const shown = [thousands(of(i, 'rate')), of(i, 'p99').toFixed(2), Number.isNaN(cpu) ? '' : cpu.toFixed(0), ratio(of(i, 'rate'), of(0, 'rate'))];
      rows.push([load.name, String(load.threads), name, ...shown]);
    }
  }
  console.log(`sysbench, prepared statements, ${rounds} rounds in alternation, medians; ${cpuMeaning}\n`);
  printTable([['load', 'connections', 'way', 'statements/s', 'p99 ms of a transaction', 'CPU µs each', 'rate of MariaDB alone'], ...rows]);
}

/** Runs a script of sysbench. Returns statements in a second, and the 99th percentile of the time that a transaction takes, in ms. */
function runLoad(way: Way, { script, threads, events, eventQueries }: Load): { readonly rate: number; readonly p99: number } {
  const words = [`--table-size=${tableRows}`, `--threads=${threads}`, `--events=${events}`, '--time=0', '--percentile=99', 'run'];
  const said = sysbench(way, script, words);
  const [, queries] = /^\s+queries:\s+(\d+)/m.exec(said) ?? [];
  const [, seconds] = /^\s+total time:\s+([\d.]+)s/m.exec(said) ?? [];
  const [, p99] = /^\s+99th percentile:\s+([\d.]+)/m.exec(said) ?? [];
  if (Number(queries) !== events * eventQueries || seconds === undefined || p99 === undefined) {
    throw new Error(`sysbench did not measure ${script}: ${said}`);
  }
  return { rate: Number(queries) / Number(seconds), p99: Number(p99) };
}

function sysbench({ port, user, password }: Way, script: string, words: readonly string[]): string {
  const target = ['--db-driver=mysql', '--mysql-host=127.0.0.1', `--mysql-port=${port}`, `--mysql-user=${user}`, `--mysql-password=${password}`];
  return must(debianProgram('/usr/bin/sysbench'), [script, ...target, '--mysql-db=shop', ...words]);
}

/** A large result in the form of text, which the client prints row by row. */
async function measureResult(ways: readonly Way[]): Promise<void> {
  const results = await alternate(ways, rounds, async (way) => {
    await rest(way);
    const started = performance.now();
    const { result, cpu } = await withCpuTime(way.pid, () => {
      const words = ['--no-defaults', '--quick', '-B', '-N', '-h', '127.0.0.1', '-P', String(way.port), '-u', way.user, `-p${way.password}`];
      const { length } = must('mariadb', [...words, 'shop', '-e', 'SELECT id, text FROM large']);
      if (length !== resultRows * resultRowBytes) {
        throw new Error(`The result has ${length} bytes.`);
      }
      return (performance.now() - started) / 1000;
    });
    return { seconds: result, cpu: cpu / 1e6 };
  });
  const of = (i: number, part: 'seconds' | 'cpu'): number => median((results[i] ?? []).map((each) => each[part]));
  const megabytes = (resultRows * resultRowBytes) / 1e6;
  console.log(`\nA result of ${thousands(resultRows)} rows and ${thousands(megabytes)} MB by mariadb, ${rounds} rounds in alternation, medians\n`);
  const cpu = (i: number): string => (Number.isNaN(of(i, 'cpu')) ? '' : of(i, 'cpu').toFixed(2));
  printTable([
    ['way', 's', 'MB/s', 'CPU s', 'rate of MariaDB alone'],
    ...ways.map(({ name }, i) => [
      name,
      of(i, 'seconds').toFixed(2),
      thousands(megabytes / of(i, 'seconds')),
      cpu(i),
      ratio(of(0, 'seconds'), of(i, 'seconds')),
    ]),
  ]);
}

function must(program: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'latin1', maxBuffer: 2 ** 30 });
  if (status !== 0) {
    throw new Error(`${program} failed: ${stdout}${stderr}${error?.message ?? ''}`);
  }
  return stdout;
}
