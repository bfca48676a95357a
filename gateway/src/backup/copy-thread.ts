/** The thread that copies a store for a backup. `run-copy.ts` starts it for each. */
import { parentPort, workerData } from 'node:worker_threads';
import { sendError } from '../reader/sent-error.ts';
import { copyStore, type CopyOrder } from './copy-store.ts';
import { sayFullDisk } from './full-disk.ts';
import type { CopyOutcome } from './run-copy.ts';

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- run-copy.ts starts the thread with it
const order = workerData as CopyOrder;
const outcome: CopyOutcome = await copyStore(order).then(
  (report) => ({ report }),
  (error: unknown) => ({ error: sendError(sayFullDisk(error)) }),
);
parentPort?.postMessage(outcome, []);
