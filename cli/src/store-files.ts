import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreFiles } from '@countersign/ledger/store-files.ts';

/** The files of a data directory, for the verifier. What is there and cannot be read is an error, and not missing. */
export function openStoreFiles(data: string): StoreFiles {
  return {
    list: async (directory) => {
      const entries = await orMissing(readdir(join(data, directory), { withFileTypes: true }));
      return (entries ?? []).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    },
    size: async (path) => {
      const found = await orMissing(stat(join(data, path)));
      return found?.isFile() === true ? found.size : undefined;
    },
    read: async (path, offset, length) => {
      await using handle = await open(join(data, path), 'r');
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      if (bytesRead !== length) {
        throw new Error(`${path} became shorter while it was read`);
      }
      return bytes;
    },
  };
}

async function orMissing<Result>(found: Promise<Result>): Promise<Result | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}
