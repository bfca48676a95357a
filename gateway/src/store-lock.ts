import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from './domain/errors.ts';

/**
 * One gateway for one data directory: `gateway.json` names the process. The file of a process that is gone is taken over, so a crash
 * needs no hand. Errors: `store_in_use`.
 */
export class StoreLock implements Disposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static take(data: string): StoreLock {
    const file = join(data, 'gateway.json');
    const holder = readHolder(file);
    if (holder !== null && holder !== process.pid && isAlive(holder)) {
      throw new GatewayError('store_in_use', `The data directory ${data} is in use by process ${holder}. Stop it first, or use another directory.`);
    }
    const lock = new StoreLock(file);
    lock.publish({});
    return lock;
  }

  /** Says where the gateway can be reached. */
  publish(addresses: Readonly<Record<string, string>>): void {
    const fd = openSync(this.#file, 'w', 0o600);
    try {
      writeSync(fd, `${JSON.stringify({ ...addresses, pid: process.pid })}\n`);
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true });
  }
}

function readHolder(file: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(file, 'utf8'));
    return typeof pid === 'number' ? pid : null;
  } catch {
    return null;
  }
}

/** The process exists and is a gateway, as far as the system tells: a process id may have been given to another program since. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  try {
    return /countersign|main\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return true;
  }
}
