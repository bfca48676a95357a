/** Follows which secrets may not be erased yet by what the log itself says: because of the floor of their class, or of a hold. */
import type { GovernanceBody } from './governance.ts';

/** The classes from this number on are holds, which end when they are released. */
export const firstHoldClass = 32_768;

/** A retention class and an expiry day. */
export interface ClassDay {
  readonly class: number;
  readonly day: number;
}

/** The secrets of a row of the key store, by the class and day under which each is. */
export interface SecretsPlaces {
  readonly meta: ClassDay;
  readonly content: ClassDay;
}

/** All days are numbers of days since 1970-01-01. */
export class ProtectedSecrets {
  /** For how many days from its record on nothing of a class is erased, as the newest `keep` has it. */
  readonly #floors = new Map<number, number>();
  /** The last day of the floor of each secret that has one, and of each class key that wraps such secrets. */
  readonly #lastDays = new Map<string | number, number>();
  /** The secrets that each hold wraps. */
  readonly #held = new Map<number, Set<number>>();
  readonly #released = new Map<number, number>();

  /** Takes up the body of a `keep`. */
  keep({ class: classId, floor }: GovernanceBody): void {
    if (floor === null) {
      this.#floors.delete(Number(classId));
    } else {
      this.#floors.set(Number(classId), Number(floor));
    }
  }

  /** Takes up secrets that were announced on a day. */
  announce(key: number, { meta, content }: SecretsPlaces, today: number): void {
    for (const [slot, kept] of [[1, meta] as const, [2, content] as const]) {
      const floor = this.#floors.get(kept.class);
      if (floor !== undefined) {
        const name = keyName(kept);
        this.#lastDays.set(secretName(key, slot), today + floor);
        this.#lastDays.set(name, Math.max(today + floor, this.#lastDays.get(name) ?? 0));
      }
    }
  }

  /** Takes up the body of a `wrap`. */
  wrap({ class: classId, wraps }: GovernanceBody): void {
    const hold = Number(classId);
    if (hold >= firstHoldClass && Array.isArray(wraps)) {
      const held = this.#held.get(hold) ?? new Set();
      this.#held.set(hold, held);
      for (const [key, slot] of wraps) {
        held.add(secretName(Number(key), Number(slot)));
      }
    }
  }

  /** Takes up the body of a `hold`. Returns whether it sets one whose number was released before, which is then in force. */
  hold({ what, class: classId }: GovernanceBody, today: number): 'set again' | null {
    if (what === 'release') {
      this.#released.set(Number(classId), today);
      this.#held.delete(Number(classId));
      return null;
    }
    return this.#released.delete(Number(classId)) ? 'set again' : null;
  }

  /** The day on which a hold was released; undefined if it was not. */
  releasedOn(hold: number): number | undefined {
    return this.#released.get(hold);
  }

  /** The last day on which the floor of the secrets under a class key protects it; undefined if nothing does. */
  lastDayOfKey(kept: ClassDay): number | undefined {
    return this.#lastDays.get(keyName(kept));
  }

  /** The last day on which the floor of its class protects a secret; undefined if nothing does. */
  lastDayOf(key: number, slot: number): number | undefined {
    return this.#lastDays.get(secretName(key, slot));
  }

  /** The hold that has a secret; undefined if none does. */
  holdOf(key: number, slot: number): number | undefined {
    for (const [hold, held] of this.#held) {
      if (held.has(secretName(key, slot))) {
        return hold;
      }
    }
    return undefined;
  }
}

/** Slot 1 is facts, 2 contents. */
function secretName(key: number, slot: number): number {
  return key * 2 + slot - 1;
}

function keyName({ class: classId, day }: ClassDay): string {
  return `${classId}/${day}`;
}
