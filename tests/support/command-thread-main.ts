/** The thread of `CommandThread`. */
import { workerData } from 'node:worker_threads';
import type { CommandResult, CommandThreadData, CommandToRun } from './command-thread.ts';
import { importBundled } from './main-file.ts';

const { runCommandLine } = await importBundled('command-line', async () => import('../../cli/src/command-line.ts'));

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- command-thread.ts starts the thread with it
const { isDone, port } = workerData as CommandThreadData;
const said: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };

for (const name of ['stdout', 'stderr'] as const) {
  process[name].write = (piece: string | Uint8Array, ...more: unknown[]): boolean => {
    said[name].push(typeof piece === 'string' ? Buffer.from(piece) : Buffer.copyBytesFrom(piece));
    const done = more.findLast((each) => typeof each === 'function');
    if (done !== undefined) {
      process.nextTick(done);
    }
    return true;
  };
}

function taken(name: 'stdout' | 'stderr'): string {
  return Buffer.concat(said[name].splice(0)).toString();
}

async function run({ words, environment }: CommandToRun): Promise<void> {
  const own = { ...process.env };
  Object.assign(process.env, environment);
  await runCommandLine(words);
  process.env = own;
  const result: CommandResult = { status: Number(process.exitCode ?? 0), stdout: taken('stdout'), stderr: taken('stderr') };
  process.exitCode = undefined;
  port.postMessage(result);
  Atomics.store(isDone, 0, 1);
  Atomics.notify(isDone, 0);
}

port.on('message', (command: CommandToRun) => void run(command));
