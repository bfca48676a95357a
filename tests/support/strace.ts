import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notAllowedHere, requireProgram } from './require-program.ts';
import { waitUntil, within } from './wait-until.ts';

/** A fault to inject into system calls of a process. */
export interface Fault {
  readonly syscall: string;
  /** Only calls on this file fail. The file is found by descriptor or by name. */
  readonly file: string;
  /** The fault, in the syntax of `strace -e inject`: `error=EIO`, `signal=SIGKILL:when=3` (calls are counted in each thread). */
  readonly what: string;
}

export interface Tracing extends AsyncDisposable {
  /** Returns the calls that were hit, as strace prints them. */
  hits(): string;
}

/** Returns the options of a test that makes system calls fail. The test is skipped where processes cannot be traced. */
export function requireStrace(): { readonly skip?: string } {
  const required = requireProgram('strace');
  if (required.skip !== undefined) {
    return required;
  }
  const { status } = spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' });
  return status === 0 ? {} : notAllowedHere('processes cannot be traced');
}

/** Attaches to a running process. Resolves when the fault is injected into every further call. When it is disposed of, the process continues undisturbed. */
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
      await within(exited, 'the end of strace');
      rmSync(directory, { recursive: true });
    },
  };
}
