import { neverExpires } from '@countersign/ledger/format';
import type { KeptSecrets, SecretCounts } from '../recording/kept-secrets.ts';
import type { ClassDay } from '../recording/key-store.ts';
import { isExpired } from '../recording/retention.ts';
import { isAlike, type KeepingClass, type KeptFor } from './retention-rules.ts';

/** How much is kept under a class, and from when on it goes. */
export interface KeptUnderClass extends SecretCounts {
  readonly class: number;
  /** The rule in force with this number. Null: a rule of before, or a hold. */
  readonly rule: KeepingClass | null;
  /** The last days of what goes first, and of what goes last; null: nothing is kept, or never goes. */
  readonly firstDay: number | null;
  readonly lastDay: number | null;
  /** True if something of it never goes by itself. */
  readonly isForEver: boolean;
}

/** Returns how much is kept under each class: those in force in their order, and then others with something under them. */
export function keptUnder(classes: readonly KeepingClass[], kept: readonly KeptSecrets[]): readonly KeptUnderClass[] {
  const known = new Map(classes.map((rule) => [rule.class, rule]));
  const numbers = [...new Set([...known.keys(), ...kept.map((each) => each.class).toSorted((a, b) => a - b)])];
  return numbers.map((number) => {
    const under = kept.filter((each) => each.class === number);
    const days = under.map(({ day }) => day).filter((day) => day !== neverExpires);
    return {
      class: number,
      rule: known.get(number) ?? null,
      facts: sum(under, 'facts'),
      contents: sum(under, 'contents'),
      firstDay: days.length === 0 ? null : Math.min(...days),
      lastDay: days.length === 0 ? null : Math.max(...days),
      isForEver: days.length < under.length,
    };
  });
}

/** The secrets under a class and day that a run destroys. Those in `stays` go on, because another key wraps them too. */
export interface PlannedErasure extends ClassDay, SecretCounts {
  readonly stays: readonly (ClassDay & SecretCounts)[];
}

/** Returns what a run on a day would destroy, what goes first coming first. */
export function plannedErasures(kept: readonly KeptSecrets[], day: number): readonly PlannedErasure[] {
  return kept
    .filter((each) => isExpired(each, day))
    .map(({ further, ...each }) => ({ ...each, stays: further.filter((other) => !isExpired(other, day)) }))
    .toSorted((a, b) => a.day - b.day || a.class - b.class);
}

/** A class as it is in force and as it would be. Null: it is not there. */
export interface PlannedChange {
  readonly query: string | null;
  readonly before: KeptFor | null;
  readonly after: KeptFor | null;
  readonly known: KeepingClass['known'];
  /** How many days are sealed already under the class. They keep their day. */
  readonly sealedDays: number;
}

/** Returns how other settings would change the classes in force. */
export function plannedChanges(
  before: readonly KeepingClass[],
  after: readonly Omit<KeepingClass, 'class'>[],
  kept: readonly KeptSecrets[],
): readonly PlannedChange[] {
  const ofQuery = <Each extends { readonly query: string | null }>(all: readonly Each[], query: string | null): Each | null =>
    all.find((each) => each.query === query) ?? null;
  const queries = [...new Set([...before, ...after].map(({ query }) => query))];
  return queries.flatMap((query): readonly PlannedChange[] => {
    const [old, changed] = [ofQuery(before, query), ofQuery(after, query)];
    const sealedDays = kept.filter((each) => each.class === old?.class).length;
    const known = (changed ?? old)?.known ?? 'when recorded';
    return old !== null && changed !== null && isAlike(old, changed) ? [] : [{ query, before: timesOf(old), after: timesOf(changed), known, sealedDays }];
  });
}

function timesOf(kept: KeptFor | null): KeptFor | null {
  return kept === null ? null : { content: kept.content, facts: kept.facts, floor: kept.floor };
}

function sum(all: readonly SecretCounts[], count: keyof SecretCounts): number {
  return all.reduce((total, each) => total + each[count], 0);
}
