import { announcedMax } from '@countersign/ledger/format';
import type { ClassDay, SessionSecrets } from './key-store.ts';
import { Keystream } from './keystream.ts';
import { expiryDay, type Keeping, type Kept } from './retention.ts';
import type { SecretName } from './wraps.ts';

/** No record is of this day. */
const noDay = -1;

/** A keystream of a session: what it seals is kept under one class until one day. */
export interface Sealer extends ClassDay {
  /** The number of its secret in the key store. */
  readonly keyId: number;
  readonly stream: Keystream;
}

interface Sealers {
  readonly meta: Sealer;
  readonly content: Sealer;
}

/**
 * The keystreams of a session, of the secrets that it announced on one day. When another day begins they are dropped, so that a session of months takes no more
 * memory than one of a day.
 */
export class SessionSealing {
  /** The newest first: a reader, too, takes the newest secret of a class and day. */
  #announced: readonly Sealers[];
  #current: Sealers;
  #keeping: Keeping;
  #day: number;

  /** Begins with the secrets that the first record of the session announces. `day` is the number of the day on which that is. */
  constructor(secrets: SessionSecrets, keeping: Keeping, day: number) {
    this.#keeping = keeping;
    this.#day = day;
    this.#current = sealersOf(secrets);
    this.#announced = [this.#current];
  }

  /** The keystreams with which the next body is sealed. */
  get current(): Sealers {
    return this.#current;
  }

  /** True if what is recorded on this day and kept so is sealed with the current keystreams. */
  fits(keeping: Keeping, day: number): boolean {
    return keeping === this.#keeping && day === this.#day;
  }

  /** Turns to the keystreams for what is recorded now and kept so. False if the session has none: then new secrets must be added. */
  turnTo(keeping: Keeping, day: number, nowMs: number): boolean {
    const announced = day === this.#day ? this.#announced : [];
    const meta = announced.find((each) => isFor(each.meta, keeping.facts, nowMs))?.meta;
    const content = announced.find((each) => isFor(each.content, keeping.content, nowMs))?.content;
    if (meta === undefined || content === undefined) {
      return false;
    }
    this.#current = { meta, content };
    this.#keeping = keeping;
    return true;
  }

  /** Gives up the keystreams of all secrets if some are ending, so that what comes is sealed with new ones. Returns whether the session had one of them. */
  retire(isEnding: (secret: SecretName) => boolean): boolean {
    const had = [...this.#announced, this.#current].some(
      ({ meta, content }) => isEnding({ key: meta.keyId, slot: 'meta' }) || isEnding({ key: content.keyId, slot: 'content' }),
    );
    if (had) {
      this.#announced = [];
      this.#day = noDay;
    }
    return had;
  }

  /** Turns to new secrets, which the session has just announced. */
  add(secrets: SessionSecrets, keeping: Keeping, day: number): void {
    this.#current = sealersOf(secrets);
    this.#announced = [this.#current, ...(day === this.#day ? this.#announced : [])].slice(0, announcedMax);
    this.#keeping = keeping;
    this.#day = day;
  }
}

function sealersOf({ keyId, meta, content }: SessionSecrets): Sealers {
  return {
    meta: { class: meta.class, day: meta.day, keyId, stream: new Keystream(meta.key) },
    content: { class: content.class, day: content.day, keyId, stream: new Keystream(content.key) },
  };
}

function isFor(sealer: Sealer, { class: wanted, days }: Kept, nowMs: number): boolean {
  return sealer.class === wanted && sealer.day === expiryDay(nowMs, days);
}
