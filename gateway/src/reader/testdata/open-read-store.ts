import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openRecorder } from '../../recording/testdata/open-recorder.ts';
import { Reader } from '../reader.ts';

interface ReadStore extends Awaited<ReturnType<typeof openRecorder>> {
  readonly data: string;
  readonly reader: Reader;
  /** Faults that the reader told. */
  readonly troubles: readonly unknown[];
}

/** Opens a new store with its recorder and a reader. They end, and the store is removed, with `parts`. */
export async function openReadStore(parts: AsyncDisposableStack): Promise<ReadStore> {
  const data = mkdtempSync(join(tmpdir(), 'countersign-read-store-'));
  parts.defer(() => {
    rmSync(data, { recursive: true, force: true });
  });
  const store = await openRecorder(data);
  parts.use(store.keys);
  parts.use(store.recorder);
  const troubles: unknown[] = [];
  const reader = parts.use(
    await Reader.open({
      data,
      thread: pathToFileURL(join(import.meta.dirname, '../../reader-thread.ts')),
      root: store.root,
      cacheKey: store.keys.cacheKey(),
      written: () => store.recorder.size,
      onTrouble: (error) => troubles.push(error),
      onDifference: (what) => troubles.push(what),
    }),
  );
  return { ...store, data, reader, troubles };
}
