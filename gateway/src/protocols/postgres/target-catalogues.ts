import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '../../domain/channel.ts';
import type { LearnedObjects } from './guard/learned-catalogue.ts';
import { learnCatalogue } from './learn-catalogue.ts';

/** The time in ms after which a catalogue is learned again while clients are connected, because others may change it. */
const freshMs = 60_000;
/** The longest time in ms that the first clients of a database wait for its catalogue. */
const firstMs = 2_000;

/** The catalogues of all databases that clients are connected to, each learned once for all of them. */
export class TargetCatalogues {
  readonly #catalogues = new Map<string, TargetCatalogue>();

  /** Returns the catalogue of a channel's database. The caller calls `leave` once when the channel ends. */
  enter(channel: Channel, database: string): TargetCatalogue {
    const { host, port, user } = channel.target;
    const key = JSON.stringify([host, port, user, database]);
    const catalogue = this.#catalogues.get(key) ?? new TargetCatalogue(database, () => this.#catalogues.delete(key));
    this.#catalogues.set(key, catalogue);
    catalogue.enter(channel);
    return catalogue;
  }
}

/** The catalogue of one database, as long as a client is connected. */
export class TargetCatalogue {
  readonly #database: string;
  readonly #onEmpty: () => void;
  readonly #channels = new Set<Channel>();
  #objects: LearnedObjects | null = null;
  /** The number of changes that were made, and how many of them the objects contain for certain. */
  #changes = 0;
  #learnedChanges = 0;
  /** The number of transactions that change the catalogue and may be over at the target without a word of it yet. */
  #unsure = 0;
  #learning: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** The acts that wait until the catalogue is learned. */
  #waiting = new Set<() => void>();

  constructor(database: string, onEmpty: () => void) {
    this.#database = database;
    this.#onEmpty = onEmpty;
  }

  /** The objects of the database; null while they are not known. */
  get objects(): LearnedObjects | null {
    return this.#unsure > 0 || this.#learnedChanges < this.#changes ? null : this.#objects;
  }

  enter(channel: Channel): void {
    this.#channels.add(channel);
    if (this.#channels.size === 1) {
      this.#timer = setInterval(() => {
        this.#learn();
      }, freshMs).unref();
      this.#learn();
    }
  }

  leave(channel: Channel): void {
    this.#channels.delete(channel);
    if (this.#channels.size === 0) {
      clearInterval(this.#timer);
      this.#onEmpty();
    }
  }

  /** Resolves when the first attempt to learn the catalogue is over, or after a short time. */
  async first(): Promise<void> {
    if (this.#objects === null && this.#learning !== null) {
      const limit = new AbortController();
      await Promise.race([this.#learning, delay(firstMs, undefined, { signal: limit.signal, ref: false }).catch(() => null)]);
      limit.abort();
    }
  }

  /** Notes that a change may be there before the target says so. Until `changed` is called for it, the objects are not known. */
  changing(): void {
    this.#unsure += 1;
  }

  /** Notes that the catalogue was changed. It is learned again, and calls back when it is known. `wasUnsure`: `changing` was called for the change. */
  changed(wasUnsure: boolean, learned: () => void): void {
    this.#unsure -= wasUnsure ? 1 : 0;
    this.#changes += 1;
    this.#waiting.add(learned);
    this.#learn();
  }

  #learn(): void {
    this.#learning ??= this.#learnOnce().finally(() => {
      this.#learning = null;
      if (this.#objects !== null && this.#waiting.size > 0) {
        this.#learn();
      }
    });
  }

  /** Learns the catalogue. If that does not succeed, it is tried again when the time is up. */
  async #learnOnce(): Promise<void> {
    const [channel] = this.#channels;
    const [waiting, changes] = [this.#waiting, this.#changes];
    this.#waiting = new Set();
    this.#objects = channel === undefined ? null : await learnCatalogue(channel, this.#database);
    if (this.#objects === null) {
      this.#waiting = new Set([...waiting, ...this.#waiting]);
      return;
    }
    this.#learnedChanges = changes;
    for (const learned of waiting) {
      learned();
    }
  }
}
