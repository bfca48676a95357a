import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mainFile } from './main-file.ts';
import type { GatewayProcess } from './gateway-process.ts';
import { injectFault } from './strace.ts';
import { waitUntil } from './wait-until.ts';

/** A place at which a process is killed: as it begins this system call on this file. */
export interface KillPoint {
  readonly name: string;
  readonly syscall: 'pwrite64' | 'rename' | 'ftruncate' | 'unlink' | 'fdatasync' | 'fsync';
  /** The path of the file, or of the directory that is synced. Of a rename it is the old name: strace does not look at the new one. */
  readonly file: string;
  /** Which such call it is, counted in each thread. Absent: the first. */
  readonly when?: number;
}

/** Has an act lead a gateway to a point, at which it is killed. The act may fail. */
export async function killAt(gateway: GatewayProcess, { syscall, file, when = 1 }: Omit<KillPoint, 'name'>, act: () => Promise<unknown>): Promise<void> {
  await using tracing = await injectFault(gateway.pid, { syscall, file, what: `signal=SIGKILL:when=${when}` });
  await act().catch(() => undefined);
  await waitUntil(() => gateway.killedBy !== null);
  assert.equal(gateway.killedBy, 'SIGKILL');
  assert.match(tracing.hits(), new RegExp(`${syscall}\\(`));
}

/** Runs a command that is killed at a point. */
export async function killCommandAt(
  { syscall, file }: Omit<KillPoint, 'name'>,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const inject = ['-f', '-o', '/dev/null', '-P', file, '-e', `trace=${syscall}`, '-e', `inject=${syscall}:signal=SIGKILL`];
  const child = spawn('strace', [...inject, process.execPath, mainFile, ...words], { env: { ...process.env, ...environment }, stdio: 'ignore' });
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL', `${words.join(' ')} did not come to this point`);
}
