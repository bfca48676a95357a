import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreFiles } from '@countersign/ledger/store-files.ts';

/** The files of a data directory, for the verifier. */
export function openStoreFiles(data: string): StoreFiles {
  return {
    list: async (directory) => {
      const entries = await readdir(join(data, directory), { withFileTypes: true }).catch(() => []);
      return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    },
    size: async (path) => {
      const found = await stat(join(data, path)).catch(() => null);
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
