import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import ssh2 from 'ssh2';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { startSshServer } from '../tests/support/ssh-server.ts';
import { alternate } from './alternate.ts';
import { cpuMeaning, whenAtRest, withCpuTime } from './cpu-time.ts';
import { median, percentile, printMachine, printTable, ratio, thousands } from './table.ts';

const rounds = 3;
const megabytes = 256;
const keys = 500;
const logins = 10;
const restLimitMs = 60_000;
const secretVariable = 'BENCH_SECRET';

/** How OpenSSH's client reaches the server. */
interface Way {
  readonly name: string;
  /** The words behind `ssh` that name the host. */
  readonly host: readonly string[];
  /** The process between client and server. Null: there is none. */
  readonly pid: number | null;
}

/**
 * OpenSSH's client at OpenSSH's server, directly and through a gateway with everything on, durability `process` and `disk`: single keys on a terminal, logins, and files out
 * and in. Every round takes the ways in turn. Needs root, for a user of the server's own.
 */
export async function benchSsh(): Promise<void> {
  printMachine();
  await using server = await startSshServer();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-ssh-'));
  try {
    const key = join(directory, 'key');
    writeFileSync(key, server.userKey, { mode: 0o600 });
    const address = `url: "ssh://deploy@127.0.0.1:${server.port}", password: { env: ${secretVariable} }, options: { hostKeys: ["${server.hostKey}"] }`;
    await using gateway = await GatewayProcess.start({
      environment: { [secretVariable]: server.password },
      listeners: ['ssh'],
      config: `targets:
  process: { ${address}, durability: process }
  disk: { ${address}, durability: disk }
principals:
  bench: { kind: human, targets: [process, disk], sshKeys: ["${publicKeyOf(server.userKey)}"] }
`,
    });
    const words = ['-i', key, '-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
    const at = (user: string, port: number): readonly string[] => [...words, '-p', String(port), `${user}@127.0.0.1`];
    const ways: readonly Way[] = [
      { name: 'sshd alone', host: at('deploy', server.port), pid: null },
      { name: 'Countersign, process', host: at('process', gateway.port('ssh')), pid: gateway.pid },
      { name: 'Countersign, disk', host: at('disk', gateway.port('ssh')), pid: gateway.pid },
    ];
    const file = join(directory, 'file');
    writeFileSync(file, Buffer.alloc(megabytes * 1024 * 1024, 'the quick brown fox jumps over the lazy dog\n'));
    await ssh(ways[0], 'cat > file', file);
    await measureKeys(ways);
    await measureLogins(ways);
    await measureFiles(ways, file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function publicKeyOf(privateKey: string): string {
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) {
    throw key;
  }
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}

/** Runs a command at the server, with a file as its input, and resolves when it has ended well. */
async function ssh(way: Way | undefined, command: string, input = '/dev/null'): Promise<void> {
  const child = spawn('ssh', [...(way?.host ?? []), command], { stdio: [openSync(input, 'r'), 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    throw new Error(`ssh ended with ${String(code)}: ${way?.name} ${command}`);
  }
}

/** Waits until what was recorded before is in the index, so that it takes no time of what is measured. */
async function rest({ pid }: Way): Promise<void> {
  if (pid !== null) {
    await whenAtRest(pid, restLimitMs);
  }
}

async function measureFiles(ways: readonly Way[], file: string): Promise<void> {
  const directions = [
    { name: 'out: cat', run: async (way: Way) => ssh(way, 'cat file') },
    { name: 'in: cat >', run: async (way: Way) => ssh(way, 'cat > /dev/null', file) },
  ];
  const rows: string[][] = [];
  for (const { name, run } of directions) {
    const results = await alternate(ways, rounds, async (way) => {
      await rest(way);
      const started = performance.now();
      const { result, cpu } = await withCpuTime(way.pid, async () => {
        await run(way);
        return (performance.now() - started) / 1000;
      });
      return { seconds: result, cpu: cpu / 1e6 };
    });
    const of = (i: number, part: 'seconds' | 'cpu'): number => median((results[i] ?? []).map((each) => each[part]));
    for (const [i, way] of ways.entries()) {
      const cpu = of(i, 'cpu');
      const cells = [of(i, 'seconds').toFixed(2), thousands(megabytes / of(i, 'seconds')), Number.isNaN(cpu) ? '' : cpu.toFixed(2)];
      rows.push([name, way.name, ...cells, ratio(of(0, 'seconds'), of(i, 'seconds'))]);
    }
  }
  console.log(`\nA file of ${megabytes} MiB by OpenSSH's client, ${rounds} rounds in alternation, medians\n`);
  printTable([['direction', 'way', 's', 'MiB/s', 'CPU s', 'rate of sshd alone'], ...rows]);
}

async function measureKeys(ways: readonly Way[]): Promise<void> {
  const results = await alternate(ways, rounds, async (way) => withCpuTime(way.pid, async () => typeKeys(way)));
  const rows = ways.map((way, i) => {
    const of = results[i] ?? [];
    const times = of.flatMap(({ result }) => result);
    const cpu = median(of.map((each) => each.cpu)) / keys;
    const shown = [0.5, 0.95, 0.99].map((part) => percentile(times, part).toFixed(2));
    const alone = (results[0] ?? []).flatMap(({ result }) => result);
    return [way.name, ...shown, Number.isNaN(cpu) ? '' : cpu.toFixed(0), ratio(percentile(times, 0.5), percentile(alone, 0.5))];
  });
  console.log(`${keys} keys in each of ${rounds} rounds, one after the other, each until a terminal has echoed it; ${cpuMeaning}\n`);
  printTable([['way', 'p50 ms', 'p95 ms', 'p99 ms', 'CPU µs a key, with its login', 'time of sshd alone'], ...rows]);
}

/** Types one key after the other on a terminal. Returns the ms until each was echoed. */
async function typeKeys(way: Way): Promise<readonly number[]> {
  const child = spawn('ssh', ['-tt', ...way.host, 'echo ready; cat > /dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const times: number[] = [];
  const echoes = child.stdout[Symbol.asyncIterator]();
  for (let said = ''; !said.includes('ready\r\n');) {
    said += String((await echoes.next()).value);
  }
  for (let i = 0; i < keys; i++) {
    const started = performance.now();
    child.stdin.write('k');
    await echoes.next();
    times.push(performance.now() - started);
  }
  const ended = once(child, 'exit');
  Readable.from(['\n\u0004']).pipe(child.stdin);
  child.stdout.resume();
  await ended;
  return times;
}

async function measureLogins(ways: readonly Way[]): Promise<void> {
  const results = await alternate(ways, rounds, async (way) => {
    const started = performance.now();
    const { result, cpu } = await withCpuTime(way.pid, async () => {
      for (let i = 0; i < logins; i++) {
        await ssh(way, 'true');
      }
      return (performance.now() - started) / logins;
    });
    return { ms: result, cpu: cpu / 1000 / logins };
  });
  const of = (i: number, part: 'ms' | 'cpu'): number => median((results[i] ?? []).map((each) => each[part]));
  console.log(`\n${logins} times \`ssh HOST true\`, one after the other, ${rounds} rounds in alternation, medians\n`);
  const cpu = (i: number): string => (Number.isNaN(of(i, 'cpu')) ? '' : of(i, 'cpu').toFixed(1));
  printTable([
    ['way', 'ms each', 'CPU ms each', 'time of sshd alone'],
    ...ways.map(({ name }, i) => [name, of(i, 'ms').toFixed(0), cpu(i), ratio(of(i, 'ms'), of(0, 'ms'))]),
  ]);
}
