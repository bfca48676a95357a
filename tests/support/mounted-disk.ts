import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuse, requireProgram } from './require-program.ts';

/** A file system of its own. */
export interface MountedDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly directory: string;
}

/** The options of a test that mounts file systems: as `requireProgram`, where this is not allowed. */
export function requireMounts(...programs: readonly string[]): { readonly skip?: string } {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'ignore' });
  if (status === 0) {
    run('umount', directory);
  }
  rmSync(directory, { recursive: true });
  return status === 0 ? requireProgram(...programs) : refuse('file systems cannot be mounted');
}

/** In memory, and soon full. */
export function mountSmall(bytes: number): MountedDisk {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-disk-'));
  run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory);
  return {
    directory,
    [Symbol.asyncDispose]: async () => {
      run('umount', '--lazy', directory);
      rmSync(directory, { recursive: true });
      await Promise.resolve();
    },
  };
}

function run(program: string, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${program} ${words.join(' ')} failed: ${stderr}`);
  }
}
