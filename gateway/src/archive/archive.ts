import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { StorageSettings } from '../domain/storage.ts';
import type { JournalPlace } from '../recording/journal-reader.ts';
import type { ArchiveState } from './archive-state.ts';

/** A lost thread is started again after this time. */
const restartMs = 1000;
/** The thread is told this often how far the indexes are. */
const tellMs = 1000;
/** V8 lets the young objects of the thread fill so many megabytes before it looks which are garbage. */
const maxYoungGenerationSizeMb = 4;

/** The `workerData` of the thread. */
export interface ArchiveData {
  readonly data: string;
  readonly settings: StorageSettings;
  readonly gatewayId: string;
  /** Object Lock, where it is configured, lasts for so many days from when a segment began. */
  readonly lockDays: number;
}

export type ToArchive = { readonly indexed: number } | { readonly durable: JournalPlace } | { readonly stop: true };
export type FromArchive = { readonly state: ArchiveState } | { readonly accepted: JournalPlace };

export interface ArchiveParts extends ArchiveData {
  /** The module of the thread. */
  readonly thread: URL;
  /** Returns the number of records that all indexes have. */
  readonly indexed: () => number;
  /** Told that the bucket has everything up to a place. */
  readonly onAccepted: (place: JournalPlace) => void;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told how far the bucket is, each time that this was looked at. */
  readonly onState: (state: ArchiveState) => void;
}

/** The thread that fills a bucket, as the thread that serves sees it. If it is lost it is started again: what it did is in the bucket. */
export class Archive implements AsyncDisposable {
  readonly #parts: ArchiveParts;
  readonly #telling: NodeJS.Timeout;
  #worker: Worker | null;
  #isStopping = false;
  /** The place that somebody waits for. A thread that takes the place of a lost one is told again. */
  #durable: JournalPlace | null = null;
  /** Null until the thread has looked. */
  state: ArchiveState | null = null;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
    this.#worker = this.#start();
    this.#telling = setInterval(() => {
      this.#send({ indexed: parts.indexed() });
    }, tellMs).unref();
  }

  /** Sends everything up to a place, which is on stable storage, also of the segment that is still written to. */
  send(durable: JournalPlace): void {
    this.#durable = durable;
    this.#send({ durable });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#telling);
    if (this.#worker !== null) {
      const ended = new Promise((resolve) => this.#worker?.once('exit', resolve));
      this.#send({ stop: true });
      await ended;
    }
  }

  #start(): Worker {
    const { data, settings, gatewayId, lockDays, thread, onTrouble, onState, onAccepted } = this.#parts;
    const workerData: ArchiveData = { data, settings, gatewayId, lockDays };
    const worker = new Worker(thread, { workerData, resourceLimits: { maxYoungGenerationSizeMb } });
    worker.on('message', (message: FromArchive) => {
      if ('accepted' in message) {
        onAccepted(message.accepted);
      } else {
        this.state = message.state;
        onState(message.state);
      }
    });
    worker.on('error', (error) => {
      onTrouble(error, 'send what is recorded to the bucket');
    });
    worker.once('exit', () => {
      this.#worker = null;
      void this.#restart();
    });
    return worker;
  }

  async #restart(): Promise<void> {
    await delay(restartMs, null, { ref: false });
    if (!this.#isStopping) {
      this.#worker = this.#start();
      if (this.#durable !== null) {
        this.#send({ durable: this.#durable });
      }
    }
  }

  #send(message: ToArchive): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker?.postMessage(message);
  }
}
