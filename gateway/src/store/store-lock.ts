import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { holdSqlite, isHeldSqlite } from './sqlite.ts';
import { writeWholeFile } from './whole-file.ts';

/** A start waits this long for the lock: a command that checks the lock holds it for a moment. */
const takeMs = 500;

/** File systems of Linux on which another machine may hold the same files, so that a lock of this kernel proves nothing (`statfs`, f_type). */
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
 * Ensures that one gateway runs on a data directory. The kernel holds a lock on `gateway.lock` as long as the process lives. The lock works across namespaces
 * and containers, where process ids say nothing, and ends with the process, so a crash needs no repair by hand. `gateway.json` says where the gateway can be
 * reached. Throws GatewayError `store_in_use`; `unsupported` on a file system whose locks prove nothing.
 */
export class StoreLock implements Disposable {
  /** The operator's socket of the gateway before, which did not remove it because it was killed. Null: there was none. */
  readonly leftSocket: string | null;
  readonly #file: string;
  readonly #lock: Disposable;

  private constructor(data: string, lock: Disposable) {
    this.#file = join(data, 'gateway.json');
    this.#lock = lock;
    const left = readPublished(data)['operator'];
    this.leftSocket = typeof left === 'string' ? left : null;
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

  /** Writes to `gateway.json` where the gateway can be reached. */
  publish(addresses: Readonly<Record<string, string>>): void {
    writeWholeFile(this.#file, `${JSON.stringify({ ...addresses, pid: process.pid })}\n`);
  }

  [Symbol.dispose](): void {
    // If the directory was replaced, the file may belong to another gateway.
    if (readHolder(dirname(this.#file)) === process.pid) {
      rmSync(this.#file, { force: true });
    }
    this.#lock[Symbol.dispose]();
  }
}

/** True if a gateway runs on this data directory. */
export function isStoreInUse(data: string): boolean {
  return existsSync(lockFile(data)) && isHeldSqlite(lockFile(data));
}

/** Throws GatewayError `unsupported` if the file system has no locks that prove something. `type` is that of `statfs` on Linux. */
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
  const { pid } = readPublished(data);
  return typeof pid === 'number' ? pid : null;
}

/** Reads `gateway.json`; empty if it is not there or cannot be read. */
function readPublished(data: string): Readonly<Record<string, unknown>> {
  try {
    const published: unknown = JSON.parse(readFileSync(join(data, 'gateway.json'), 'utf8'));
    return typeof published === 'object' && published !== null ? { ...published } : {};
  } catch {
    return {};
  }
}
