import { spawn } from 'node:child_process';

/** The longest time in ms that a program may take. */
const programMs = 450_000;

export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program until it ends. `environment` is added to that of this process. */
export function runProgram(program: string, words: readonly string[], environment: Readonly<Record<string, string>>, input?: string): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${[program, ...words].join(' ')} has not ended within ${programMs / 1000} s: ${Buffer.concat(err).toString()}`));
    }, programMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** Runs psql without the user's own settings. It ends at the first error. */
export function psql(environment: Readonly<Record<string, string>>, words: readonly string[], input?: string): Promise<RunResult> {
  return runProgram('psql', ['-X', '-v', 'ON_ERROR_STOP=1', ...words], environment, input);
}
