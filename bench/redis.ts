import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../cli/src/demo/free-port.ts';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { alternate } from './alternate.ts';
import { cpuMeaning, whenAtRest, withCpuTime } from './cpu-time.ts';
import { debianProgram, serving, type Peer } from './peer.ts';
import { median, printMachine, printTable, ratio, thousands } from './table.ts';

const rounds = 3;
const restLimitMs = 60_000;
const password = 'redis-bench-password';
const commands = ['SET', 'GET'] as const;

interface Load {
  readonly clients: number;
  /** Commands that a client sends before it waits. */
  readonly pipelined: number;
  readonly requests: number;
}

const loads: readonly Load[] = [
  { clients: 1, pipelined: 1, requests: 5000 },
  { clients: 20, pipelined: 1, requests: 30_000 },
  { clients: 20, pipelined: 16, requests: 100_000 },
];

/** How redis-benchmark reaches the server. */
interface Way {
  readonly name: string;
  /** The words of redis-benchmark that name the server and log in. */
  readonly words: readonly string[];
  /** The process between client and server. Null: there is none. */
  readonly pid: number | null;
}

/**
 * redis-benchmark at Debian's redis-server: directly, through twemproxy (nutcracker), which routes and records nothing, and through a gateway with everything on,
 * durability `process` and `disk`. Every round takes the ways in turn.
 */
export async function benchRedis(): Promise<void> {
  printMachine();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-redis-'));
  try {
    await using server = await startServer(directory);
    await using twemproxy = await startTwemproxy(directory, server.port);
    const address = `url: "redis://default@127.0.0.1:${server.port}/0", password: { env: BENCH_SECRET }`;
    await using gateway = await GatewayProcess.start({
      environment: { BENCH_SECRET: password },
      listeners: ['redis'],
      config: `targets:
  process: { ${address}, durability: process }
  disk: { ${address}, durability: disk }
principals:
  bench: { kind: human, targets: [process, disk] }
`,
    });
    const token = await gateway.issueToken('bench');
    const at = (port: number, ...login: readonly string[]): readonly string[] => ['-p', String(port), ...login];
    const through = (target: string): readonly string[] => at(gateway.port('redis'), '--user', target, '-a', token);
    const ways: readonly Way[] = [
      { name: 'redis-server alone', words: at(server.port, '-a', password), pid: null },
      { name: 'twemproxy', words: at(twemproxy.port, '-a', password), pid: twemproxy.pid },
      { name: 'Countersign, process', words: through('process'), pid: gateway.pid },
      { name: 'Countersign, disk', words: through('disk'), pid: gateway.pid },
    ];
    console.log(`redis-benchmark, values of 3 bytes, ${rounds} rounds in alternation, medians; ${cpuMeaning}\n`);
    const rows: string[][] = [];
    for (const load of loads) {
      rows.push(...(await measure(ways, load)));
    }
    printTable([['command', 'clients', 'pipelined', 'way', 'commands/s', 'p50 ms', 'p99 ms', 'CPU µs each', 'rate of redis-server alone'], ...rows]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function startServer(directory: string): Promise<Peer> {
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory, '--requirepass', password];
  return serving(spawn(debianProgram('/usr/bin/redis-server'), words, { stdio: 'ignore' }), port);
}

async function startTwemproxy(directory: string, serverPort: number): Promise<Peer> {
  const [port, statisticsPort] = [await freePort(), await freePort()];
  const file = join(directory, 'nutcracker.yml');
  writeFileSync(
    file,
    `bench:\n  listen: 127.0.0.1:${port}\n  redis: true\n  redis_auth: ${password}\n  distribution: ketama\n  preconnect: true\n  servers:\n    - 127.0.0.1:${serverPort}:1\n`,
    { mode: 0o600 },
  );
  return serving(spawn(debianProgram('/usr/sbin/nutcracker'), ['-c', file, '-s', String(statisticsPort)], { stdio: 'ignore' }), port);
}

async function measure(ways: readonly Way[], load: Load): Promise<readonly string[][]> {
  const rows: string[][] = [];
  for (const command of commands) {
    const results = await alternate(ways, rounds, async (way) => {
      if (way.pid !== null) {
        await whenAtRest(way.pid, restLimitMs);
      }
      const { result, cpu } = await withCpuTime(way.pid, () => redisBenchmark(way, command, load));
      return { ...result, cpu: cpu / load.requests };
    });
    const of = (i: number, part: keyof Measured | 'cpu'): number => median((results[i] ?? []).map((each) => each[part]));
    for (const [i, { name }] of ways.entries()) {
      const cpu = of(i, 'cpu');
      const shown = [thousands(of(i, 'rate')), of(i, 'p50').toFixed(2), of(i, 'p99').toFixed(2), Number.isNaN(cpu) ? '' : cpu.toFixed(0)];
      rows.push([command, String(load.clients), String(load.pipelined), name, ...shown, ratio(of(i, 'rate'), of(0, 'rate'))]);
    }
  }
  return rows;
}

interface Measured {
  /** Commands in a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Runs redis-benchmark, and reads its line of CSV: test, rps, and the latencies average, min, p50, p95, p99, max. */
function redisBenchmark({ words }: Way, command: string, { clients, pipelined, requests }: Load): Measured {
  const counts = ['-t', command.toLowerCase(), '-c', String(clients), '-P', String(pipelined), '-n', String(requests)];
  const { stdout, stderr } = spawnSync(debianProgram('/usr/bin/redis-benchmark'), [...words, ...counts, '--csv'], { encoding: 'utf8' });
  const line = stdout.split('\n').find((each) => each.startsWith(`"${command}"`));
  const [, rate, , , p50, , p99] = (line ?? '').split(',').map((cell) => Number(cell.replaceAll('"', '')));
  if (rate === undefined || p50 === undefined || p99 === undefined) {
    throw new Error(`redis-benchmark did not measure ${command}: ${stdout}${stderr}`);
  }
  return { rate, p50, p99 };
}
