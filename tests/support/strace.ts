import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notAllowedHere, requireProgram } from './require-program.ts';
import { waitUntil } from './wait-until.ts';

/** What is to happen to system calls of a process. */
export interface Fault {
  readonly syscall: string;
  /** Only those on this file, by descriptor or by name. */
  readonly file: string;
  /** As `strace -e inject` says it: `error=EIO`, `signal=SIGKILL:when=3` (counted in each thread). */
  readonly what: string;
}

export interface Tracing extends AsyncDisposable {
  /** The calls that were hit, as strace tells them. */
  hits(): string;
}

/** The options of a test that makes system calls fail: as `requireProgram`, where processes cannot be traced. */
export function requireStrace(): { readonly skip?: string } {
  const required = requireProgram('strace');
  if (required.skip !== undefined) {
    return required;
  }
  const { status } = spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' });
  return status === 0 ? {} : notAllowedHere('processes cannot be traced');
}

/** Attaches to a running process; resolves when every call from now on is met. Disposing lets the process go on undisturbed. */
export async function injectFault(pid: number, { syscall, file, what }: Fault): Promise<Tracing> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-strace-'));
  const output = join(directory, 'calls');
  const words = ['-f', '-y', '-o', output, '-P', file, '-e', `trace=${syscall}`, '-e', `inject=${syscall}:${what}`, '-p', String(pid)];
  const child = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await waitUntil(() => {
    if (child.exitCode !== null) {
      throw new Error(`strace did not attach: ${said}`);
    }
    return said.includes('attached');
  });
  return {
    hits: () => readFileSync(output, 'utf8'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
}
