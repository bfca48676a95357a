import { spawn, type ChildProcess } from 'node:child_process';
import { mainFile } from '../installation.ts';
import { bold, dim } from '../terminal.ts';

/** Aborted by Ctrl-C and by SIGTERM. The demo then ends what runs and stops what it started. */
export const interruption = new AbortController();

/** Prints what comes next. */
export function say(words: string): void {
  console.log(`\n${bold(words)}`);
}

/** Prints a command as somebody types it. */
export function showCommand(words: string, prompt = '$'): void {
  console.log(dim(`${prompt} countersign ${words}`));
}

interface TypedCommand {
  /** The words of the command. */
  readonly words: readonly string[];
  /** The command in short, as it is printed. */
  readonly shown: string;
  readonly prompt?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Prints a command and runs it. Rejects if it fails. */
export async function typeCommand({ words, shown, prompt, environment }: TypedCommand): Promise<void> {
  showCommand(shown, prompt);
  const code = await exitOf(spawnCli(words, 'inherit', environment));
  if (code !== 0) {
    throw new Error(`countersign ${shown} failed with exit code ${code}`);
  }
}

/** Starts one of our commands. It ends when the demo is interrupted. With `ignore`, its errors are not shown either. */
export function spawnCli(words: readonly string[], stdout: 'inherit' | 'pipe' | 'ignore', environment: NodeJS.ProcessEnv = {}): ChildProcess {
  interruption.signal.throwIfAborted();
  const child = spawn(process.execPath, [mainFile, ...words], {
    stdio: ['ignore', stdout, stdout === 'ignore' ? 'ignore' : 'inherit'],
    env: { ...process.env, ...environment },
  });
  const end = (): void => {
    child.kill('SIGTERM');
  };
  interruption.signal.addEventListener('abort', end);
  child.once('exit', () => {
    interruption.signal.removeEventListener('abort', end);
  });
  return child;
}

/** Resolves with the exit code of a process; 1 if a signal ended it. */
export async function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve(child.exitCode ?? 1);
    }
  });
}
