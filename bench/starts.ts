import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { waitUntil } from '../tests/support/wait-until.ts';
import { cpuMicroseconds } from './cpu-time.ts';
import { median, printMachine, printTable } from './table.ts';

const here = join(import.meta.dirname, '..');
const rounds = 20;

/**
 * `npm run bench -- starts [CHECKOUT...]`: the processor time (user + system) of commands from their start to their end, and of a gateway until it serves, beside the same of other checkouts. The first round, in
 * which modules are compiled, is not counted.
 */
export async function benchStarts(others: readonly string[]): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] ??= join(here, 'node_modules', '.compile-cache');
  const trees = [...others.map((other) => resolve(other)), here];
  await using running = await GatewayProcess.start({ config });
  await using stopped = await GatewayProcess.start({ config });
  const session = running.rows<{ readonly session: string }>(['session', 'list', '--all'])[0]?.session ?? '';
  await stopped.signal('SIGTERM');
  const starts = startsOf(running, stopped, session);
  const taken = new Map(starts.map(({ name }) => [name, trees.map((): number[] => [])]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, take } of starts) {
      for (const [i, tree] of trees.entries()) {
        const milliseconds = await take(join(tree, 'cli', 'src', 'main.ts'));
        if (round > 0) {
          taken.get(name)?.[i]?.push(milliseconds);
        }
      }
    }
  }
  printMachine();
  console.log(`Processor time in ms, median of ${rounds}.\n`);
  const rows = [...taken].map(([name, times]) => [name, ...times.map((each) => median(each).toFixed(0))]);
  printTable([['start', ...others, 'this checkout'], ...rows]);
}

const config = 'targets: { api: { url: "http://127.0.0.1:9" } }\nprincipals: { agent: { kind: agent, targets: [api] } }\n';

interface Start {
  readonly name: string;
  /** In ms, of a command line whose main file is given. */
  readonly take: (main: string) => number | Promise<number>;
}

function startsOf(running: GatewayProcess, stopped: GatewayProcess, session: string): readonly Start[] {
  const asking = ['--config', running.configFile];
  const alone = ['--config', stopped.configFile];
  const made = join(stopped.directory, 'made.yaml');
  const commands: Readonly<Record<string, readonly string[]>> = {
    '`--version`': ['--version'],
    '`--help`': ['--help'],
    '`init`': ['init', '--config', made],
    '`config check`': ['config', 'check', ...asking],
    '`token create`': ['token', 'create', 'agent', ...asking],
    '`token create`, no gateway runs': ['token', 'create', 'agent', ...alone],
    '`session list`': ['session', 'list', ...asking],
    '`session show`': ['session', 'show', session, ...asking],
    '`session list`, no gateway runs': ['session', 'list', ...alone],
    '`verify` of a small store': ['verify', '--data', stopped.data],
  };
  return [
    { name: 'Node alone', take: () => cpuOf(['-e', '']) },
    ...Object.entries(commands).map(([name, words]) => ({
      name,
      take: (main: string): number => {
        rmSync(made, { force: true });
        return cpuOf([main, ...words]);
      },
    })),
    { name: '`up` until it serves', take: async (main) => cpuOfStart(stopped, main) },
  ];
}

function cpuOf(words: readonly string[]): number {
  // The shell's own share is that of its children: of the one command.
  const timed = ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null 2>/dev/null', process.execPath, ...words];
  const { status, stderr } = spawnSync('bash', timed, { encoding: 'utf8' });
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(' ').map(Number);
  if (status !== 0) {
    throw new Error(`${words.join(' ')} exits with ${status}`);
  }
  return (user + system) * 1000;
}

async function cpuOfStart({ configFile, directory }: GatewayProcess, main: string): Promise<number> {
  const ready = join(directory, 'started.json');
  rmSync(ready, { force: true });
  const child = spawn(process.execPath, [main, 'up', '--config', configFile, '--ready-file', ready], { stdio: 'ignore' });
  await once(child, 'spawn');
  await waitUntil(() => existsSync(ready) || child.exitCode !== null);
  const milliseconds = cpuMicroseconds(child.pid ?? 0) / 1000;
  child.kill('SIGTERM');
  await once(child, 'exit');
  return milliseconds;
}
