/** Follows for how long the log says that each class is kept, and whether secrets are announced for the days that follow from that. */
import type { GovernanceBody } from './governance.ts';
import { neverExpires } from './leaf.ts';
import { printDay } from './printed-day.ts';
import { firstHoldClass, type ClassDay, type SecretsPlaces } from './protected-secrets.ts';

/** Midnight may pass between the making of secrets and the record that announces them. */
const slackDays = 1;

interface KeptDays {
  /** From its record on; null: for ever. */
  readonly facts: number | null;
  readonly content: number | null;
}

export class StatedKeeping {
  /** For each class the days that the epoch states: the newest, and those before, which count too, because a change and what is recorded beside it come in any order. */
  readonly #stated = new Map<number, readonly KeptDays[]>();
  /** The longest days that the log has stated of each class: a wrap may be told long after its class was in force. */
  readonly #longest = new Map<number, Readonly<Record<keyof KeptDays, number>>>();

  /** Each epoch states anew how it keeps, before it opens a session. */
  beginEpoch(): void {
    this.#stated.clear();
  }

  /** Takes up the body of a `keep`. */
  keep({ class: classId, facts, content }: GovernanceBody): void {
    const newest = { facts: daysOf(facts), content: daysOf(content) };
    this.#stated.set(Number(classId), [newest, ...(this.#stated.get(Number(classId)) ?? [])].slice(0, 2));
    const { facts: longestFacts, content: longestContent } = this.#longest.get(Number(classId)) ?? { facts: 0, content: 0 };
    this.#longest.set(Number(classId), {
      facts: Math.max(longestFacts, newest.facts ?? Infinity),
      content: Math.max(longestContent, newest.content ?? Infinity),
    });
  }

  /**
   * Returns why secrets are not kept as the log says, which were announced on a day; null if they are, or it says nothing. `places` is null where nobody says of which class and day they
   * are. `isFirst`: the record opens a session.
   */
  whyNot(places: SecretsPlaces | null, today: number, isFirst: boolean): string | null {
    // A log of before states nothing.
    if (this.#longest.size === 0 || (this.#stated.size === 0 && !isFirst)) {
      return null;
    }
    if (places === null) {
      return 'it does not say of which class and day its secrets are';
    }
    const { meta, content } = places;
    return this.#whyNotAs('facts', meta, today) ?? this.#whyNotAs('content', content, today);
  }

  /** Returns why secrets are not to be kept under the class and day of a `wrap` of a day; null if they are, or nothing is stated. A hold may keep for ever. */
  whyNotWrap({ class: classId, day, wraps }: GovernanceBody, today: number): string | null {
    const kept = { class: Number(classId), day: Number(day) };
    if (this.#longest.size === 0 || kept.class >= firstHoldClass || !Array.isArray(wraps)) {
      return null;
    }
    const { facts, content } = this.#longest.get(kept.class) ?? { facts: 0, content: 0 };
    const last = wraps.reduce((least: number, [, slot]) => Math.min(least, today + (slot === 1 ? facts : content) + slackDays), Infinity);
    return kept.day <= last
      ? null
      : `it keeps secrets under class ${kept.class} until ${printDay(kept.day)}, which is longer than the log has said of that class`;
  }

  #whyNotAs(what: keyof KeptDays, { class: classId, day }: ClassDay, today: number): string | null {
    const stated = this.#stated.get(classId);
    if (stated === undefined) {
      return `its secrets are of class ${classId}, and the log does not say for how long that is kept`;
    }
    const isRight = stated.some(({ [what]: days }) => (days === null ? day === neverExpires : Math.abs(day - today - days) <= slackDays));
    const { [what]: days } = stated[0] ?? { facts: null, content: null };
    const printed = days === null ? 'for ever' : `for ${days} days`;
    return isRight ? null : `its secrets keep ${what} of class ${classId} until ${printDay(day)}, and the log says that they are kept ${printed}`;
  }
}

function daysOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}
