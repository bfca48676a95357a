import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '../../domain/channel.ts';
import type { LearnedObjects } from './guard/learned-catalogue.ts';
import { learnCatalogue } from './learn-catalogue.ts';

/** The time in ms after which a catalogue is learned again, because others may change it. It is kept as long for clients that come later. */
const freshMs = 60_000;
/** The longest time in ms that a client waits for a catalogue that is being learned. */
const knownMs = 10_000;

/** A change of the catalogue that a session has made. */
export interface Change {
  /** True if `changing` was called for the change. */
  readonly wasUnsure: boolean;
  /** True if the session made new tables and nothing else. */
  readonly isTables: boolean;
  /** Called when the catalogue is known again. */
  readonly learned: () => void;
}

/** The catalogues of all databases that clients are connected to or were a short time ago, each learned once for all of them. */
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

/** The catalogue of one database, as long as a client is connected and a short time longer. */
export class TargetCatalogue {
  readonly #database: string;
  readonly #onEmpty: () => void;
  readonly #channels = new Set<Channel>();
  #objects: LearnedObjects | null = null;
  #learnedMs = 0;
  /** The number of changes that were made, and how many of them the objects contain for certain. */
  #changes = 0;
  #learnedChanges = 0;
  /** How many of the changes that are not learned are new tables alone, by the session that made them. */
  #ownTables = new WeakMap<Channel, number>();
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

  /**
   * Returns the objects of the database for the session of a channel; null while they are not known. New tables that this session has made itself, and nobody else,
   * are known to the session.
   */
  objectsFor(channel: Channel): LearnedObjects | null {
    const own = this.#ownTables.get(channel) ?? 0;
    return this.#unsure > 0 || this.#learnedChanges + own < this.#changes ? null : this.#objects;
  }

  enter(channel: Channel): void {
    this.#channels.add(channel);
    if (this.#channels.size === 1) {
      clearTimeout(this.#timer);
      this.#timer = setInterval(() => {
        this.#learn();
      }, freshMs).unref();
      if (this.objectsFor(channel) === null || performance.now() - this.#learnedMs > freshMs) {
        this.#learn();
      }
    }
  }

  leave(channel: Channel): void {
    this.#channels.delete(channel);
    if (this.#channels.size === 0) {
      clearInterval(this.#timer);
      this.#timer = setTimeout(this.#onEmpty, freshMs).unref();
    }
  }

  /**
   * Returns a promise for when the objects are known to the session of a channel, a short time is over, or the channel ends. Null: they are known, or nobody is about
   * to learn them. With `first`, null also after the first change: they are not known then because somebody changes them.
   */
  known(channel: Channel, wanted: 'first' | 'again'): Promise<void> | null {
    return this.#isAwaited(channel) && (wanted === 'again' || this.#changes === 0) ? this.#untilKnown(channel) : null;
  }

  #isAwaited(channel: Channel): boolean {
    return this.objectsFor(channel) === null && this.#learning !== null;
  }

  async #untilKnown(channel: Channel): Promise<void> {
    const deadlineMs = performance.now() + knownMs;
    const limit = new AbortController();
    const over = delay(knownMs, undefined, { signal: AbortSignal.any([limit.signal, channel.signal]), ref: false }).catch(() => null);
    while (this.#isAwaited(channel) && performance.now() < deadlineMs && !channel.signal.aborted) {
      await Promise.race([this.#learning, over]);
    }
    limit.abort();
  }

  /** Notes that a change may be there before the target says so. Until `changed` is called for it, the objects are not known. */
  changing(): void {
    this.#unsure += 1;
  }

  /** Notes that the catalogue was changed by the session of a channel. It is learned again, and calls back when it is known. */
  changed(channel: Channel, { wasUnsure, isTables, learned }: Change): void {
    this.#unsure -= wasUnsure ? 1 : 0;
    this.#ownTables.set(channel, (this.#ownTables.get(channel) ?? 0) + (isTables ? 1 : 0));
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
    this.#learnedMs = performance.now();
    this.#ownTables = new WeakMap();
    for (const learned of waiting) {
      learned();
    }
  }
}
