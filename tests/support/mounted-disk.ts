import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notAllowedHere, python, requireProgram } from './require-program.ts';

/** A mounted file system of a test's own. */
export interface MountedDisk extends AsyncDisposable {
  /** The directory where the file system is mounted. */
  readonly directory: string;
}

/** Returns the options of a test that mounts file systems. The test is skipped where that is not allowed. */
export function requireMounts(...programs: readonly string[]): { readonly skip?: string } {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'ignore' });
  if (status === 0) {
    run('umount', directory);
  }
  rmSync(directory, { recursive: true });
  return status === 0 ? requireProgram(...programs) : notAllowedHere('file systems cannot be mounted');
}

/** Returns the options of a test that makes a disk out of a file. */
export function requireLoopDisks(): { readonly skip?: string } {
  const required = requireMounts('mkfs.ext4', 'losetup', python);
  if (required.skip !== undefined) {
    return required;
  }
  return spawnSync('losetup', ['--find'], { stdio: 'ignore' }).status === 0 ? {} : notAllowedHere('there are no loop devices');
}

/** Mounts a small file system in memory, which is soon full. */
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

export interface JournaledDisk extends MountedDisk {
  /** Cuts the power: nothing more reaches the disk, and what has not reached it is lost. */
  cutPower(): void;
  /** Mounts the disk again, as after a restart of the machine. No process may have files of it open. */
  remount(): void;
}

/** Mounts ext4 in a file. It commits nothing by itself, so only what was synced is on the disk. */
export function mountJournaled(bytes: number): JournaledDisk {
  const home = mkdtempSync(join(tmpdir(), 'countersign-disk-'));
  const directory = join(home, 'mounted');
  mkdirSync(directory);
  let [image, images] = [join(home, 'image'), 1];
  writeFileSync(image, '');
  truncateSync(image, bytes);
  run('mkfs.ext4', '-q', '-F', image);
  const mount = (): void => {
    run('mount', '-t', 'ext4', '-o', 'loop,commit=300', image, directory);
  };
  mount();
  return {
    directory,
    cutPower: () => {
      run(python, '-c', shutDown, directory);
    },
    remount: () => {
      run('umount', directory);
      // A process in a mount namespace of its own, which another test may have started, keeps the disk mounted without power until it ends. So what has reached it is mounted as another one.
      const reached = join(home, `image${images++}`);
      run('cp', '--sparse=always', image, reached);
      image = reached;
      mount();
    },
    [Symbol.asyncDispose]: async () => {
      run('umount', '--lazy', directory);
      rmSync(home, { recursive: true });
      await Promise.resolve();
    },
  };
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: even the journal of the file system is not written. */
const shutDown = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))
`;

/** Returns what the program prints. */
function run(program: string, ...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${program} ${words.join(' ')} failed: ${stderr}`);
  }
  return stdout;
}
