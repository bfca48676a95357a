/** A thread that verifies a store with bytes of one file flipped, one at a time. It is outside of node:test, whose hooks make an `await` cost more than the check itself. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Verdict } from '../verdict.ts';
import { verifyStore, type StoreOptions } from '../verify-store.ts';
import { filesOf } from './golden-store.ts';

export interface Flips {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The file whose bytes are flipped, one at a time. */
  readonly path: string;
  readonly options: StoreOptions;
}

/** Every how many bytes one is flipped. The long run flips each, with 1. */
export const flipStep = Number(process.env['COUNTERSIGN_TEST_FLIP_STEP'] ?? 3);

/** Returns a copy with one bit of one byte flipped. */
export function flipped(bytes: Uint8Array, at: number): Buffer<ArrayBuffer> {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << ((at * 5) % 8));
  return changed;
}

if (parentPort !== null) {
  const port = parentPort;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- verify-store.test.ts starts the thread with it
  const { files, path, options } = workerData as Flips;
  const store = new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  const bytes = store.get(path) ?? Buffer.alloc(0);
  const offsets = new Map<Verdict, number[]>();
  for (let at = 0; at < bytes.length; at += flipStep) {
    const { verdict } = await verifyStore(filesOf(store.set(path, flipped(bytes, at))), options);
    offsets.getOrInsertComputed(verdict, () => []).push(at);
  }
  port.postMessage(offsets);
}
