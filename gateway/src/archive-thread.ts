/** The thread that fills a bucket with what is recorded, so that no client waits for it. `archive/archive.ts` starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ArchiveData, FromArchive, ToArchive } from './archive/archive.ts';
import { Archiver } from './archive/archiver.ts';
import { TailSender } from './archive/tail-sender.ts';
import { Bucket } from './bucket/bucket.ts';

const port = parentPort;
if (port === null) {
  throw new Error('archive-thread.ts is not started as a thread');
}
const send = (message: FromArchive): void => {
  port.postMessage(message);
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- archive.ts starts the thread with it
const { data, settings, gatewayId, lockDays } = workerData as ArchiveData;
const leaving = new AbortController();
const { signal } = leaving;
let indexed = 0;
let tailFailure: string | null = null;
const bucket = new Bucket(settings, { environment: process.env, signal, now: Date.now });
const archiver = new Archiver({
  data,
  settings,
  gatewayId,
  bucket,
  lock: settings.lock === null ? null : { mode: settings.lock, days: lockDays },
  signal,
  now: Date.now,
  indexed: () => indexed,
  tailFailure: () => tailFailure,
  onState: (state) => {
    send({ state });
  },
});
const tail = new TailSender({
  data,
  gatewayId,
  bucket,
  signal,
  kept: () => archiver.kept,
  onAccepted: (accepted) => {
    send({ accepted });
  },
  onFailure: (reason) => {
    tailFailure = reason;
  },
});
port.on('message', (message: ToArchive) => {
  if ('indexed' in message) {
    ({ indexed } = message);
  } else if ('durable' in message) {
    tail.send(message.durable);
  } else {
    leaving.abort();
  }
});
await archiver.run();
port.close();
