/** Loaded into a gateway, it keeps the thread of the index of records from doing anything. */
import { workerData } from 'node:worker_threads';

if (workerData?.records instanceof SharedArrayBuffer) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
