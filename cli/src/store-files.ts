import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreFiles } from '@countersign/ledger';

/**
 * Opens the files of a data directory for the verifier. A file that exists and cannot be read is an error; it does not count as missing. The calls are
 * synchronous inside, because a log has one small file for every 256 records, and an asynchronous call costs several times as much as the reading.
 */
export function openStoreFiles(data: string): StoreFiles {
  return {
    list: (directory) =>
      promised(() => {
        const entries = orMissing(() => readdirSync(join(data, directory), { withFileTypes: true }));
        return (entries ?? []).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
      }),
    size: (path) =>
      promised(() => {
        const found = orMissing(() => statSync(join(data, path)));
        return found?.isFile() === true ? found.size : undefined;
      }),
    read: (path, offset, length) => promised(() => read(join(data, path), offset, length)),
  };
}

function read(file: string, offset: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(length);
  const fd = openSync(file, 'r');
  try {
    if (readSync(fd, bytes, 0, length, offset) !== length) {
      throw new Error(`${file} became shorter while it was read`);
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}

function promised<Result>(run: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    resolve(run());
  });
}

function orMissing<Result>(find: () => Result): Result | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}
