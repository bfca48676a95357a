import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GatewayError } from './domain/errors.ts';
import { holdSqlite, isHeldSqlite } from './store/sqlite.ts';
import { writeWholeFile } from './store/whole-file.ts';

/** Commands look whether the lock is held, which holds it for a moment: a start waits for them so long. */
const takeMs = 500;

/** Linux: file systems on which another machine may hold the same files, where a lock of this kernel proves nothing (`statfs`, f_type). */
const sharedFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff53_4d42, 'SMB'],
  [0xfe53_4d42, 'SMB'],
  [0x0102_1997, '9P'],
  [0x6573_5546, 'FUSE'],
  [0x00c3_6400, 'Ceph'],
  [0x0bd0_0bd0, 'Lustre'],
  [0x5346_414f, 'AFS'],
  [0x0116_1970, 'GFS2'],
  [0x7461_636f, 'OCFS2'],
]);

/**
 * One gateway for one data directory: the kernel holds a lock on `gateway.lock` for as long as the process lives. It holds between namespaces and
 * containers, where process ids say nothing, and goes with the process, so a crash needs no hand. `gateway.json` says where the gateway can be reached.
 * Errors: `store_in_use`; `unsupported` on a file system whose locks prove nothing.
 */
export class StoreLock implements Disposable {
  readonly #file: string;
  readonly #lock: Disposable;

  private constructor(data: string, lock: Disposable) {
    this.#file = join(data, 'gateway.json');
    this.#lock = lock;
  }

  static take(data: string): StoreLock {
    requireLocks(data, statfsSync(data).type);
    const held = holdSqlite(lockFile(data), takeMs);
    if (held === null) {
      const pid = readHolder(data);
      const whose = pid === null ? 'another gateway' : `another gateway, process ${pid} where it runs`;
      throw new GatewayError('store_in_use', `The data directory ${data} is in use by ${whose}. Stop it first, or use another directory.`);
    }
    const lock = new StoreLock(data, held);
    lock.publish({});
    return lock;
  }

  /** Says where the gateway can be reached. */
  publish(addresses: Readonly<Record<string, string>>): void {
    writeWholeFile(this.#file, `${JSON.stringify({ ...addresses, pid: process.pid })}\n`);
  }

  [Symbol.dispose](): void {
    // In a directory that was replaced it may be another gateway's.
    if (readHolder(dirname(this.#file)) === process.pid) {
      rmSync(this.#file, { force: true });
    }
    this.#lock[Symbol.dispose]();
  }
}

/** Whether a gateway runs on this data directory. */
export function isStoreInUse(data: string): boolean {
  return existsSync(lockFile(data)) && isHeldSqlite(lockFile(data));
}

/** `type`: of the file system, as `statfs` names it on Linux. */
export function requireLocks(data: string, type: number): void {
  const name = process.platform === 'linux' ? sharedFileSystems.get(type) : undefined;
  if (name !== undefined) {
    throw new GatewayError(
      'unsupported',
      `The data directory ${data} is on a file system (${name}) where another machine may write too, and no lock that is sure keeps it out. Use a directory on a disk of this machine.`,
    );
  }
}

function lockFile(data: string): string {
  return join(data, 'gateway.lock');
}

function readHolder(data: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(join(data, 'gateway.json'), 'utf8'));
    return typeof pid === 'number' ? pid : null;
  } catch {
    return null;
  }
}
