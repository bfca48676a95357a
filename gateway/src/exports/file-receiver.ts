import { open } from 'node:fs/promises';
import type { FeedRecord } from './feed-record.ts';
import type { Receiver } from './receiver.ts';

const newline = 0x0a;

/**
 * Appends each record as a line to a file, and syncs it. The file is opened for each batch, so that it can be moved away at any time, as programs that rotate logs do.
 * After a failure the file is as it was before, as far as it can be cut.
 */
export function fileReceiver(path: string, lineOf: (record: FeedRecord) => string): Receiver {
  return {
    batchMax: 500,
    collectMs: 0,
    settleMs: 0,
    send: async (records) => {
      await using file = await open(path, 'a+', 0o600);
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      await file.read(last, 0, size === 0 ? 0 : 1, Math.max(0, size - 1));
      // A crash may have cut the last line, which is written again.
      const begin = size === 0 || last[0] === newline ? '' : '\n';
      try {
        await file.appendFile(begin + records.map((record) => `${lineOf(record)}\n`).join(''));
        await file.datasync();
      } catch (error) {
        await file.truncate(size).catch(() => undefined);
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
