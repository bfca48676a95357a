import { neverExpires } from '@countersign/ledger/format';

const dayMs = 86_400_000;

/** Under which class something is kept, and for how many days from its record on; null: it is kept forever. */
export interface Kept {
  readonly class: number;
  readonly days: number | null;
}

/** How facts and contents of records are kept. Compared by identity: one that is used for many records must stay the same object. */
export interface Keeping {
  readonly facts: Kept;
  readonly content: Kept;
}

/** The retention class of what no rule of the configuration keeps otherwise (docs/formats/leaf.md). */
export const standardClass = 1;

/** The keeping under the standard class, for so many days; null: forever. */
export function standardKeeping(factsDays: number | null, contentDays: number | null): Keeping {
  return { facts: { class: standardClass, days: factsDays }, content: { class: standardClass, days: contentDays } };
}

/** The class of a slot in which nothing is sealed. */
export const noClass = 0;

/** The day of a time, as the number of days since 1970-01-01. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** The beginning of a day, in ms since 1970. */
export function startOf(day: number): number {
  return day * dayMs;
}

/** The day on which something made at `timeMs` expires, as the number of days since 1970-01-01. */
export function expiryDay(timeMs: number, days: number | null): number {
  return days === null ? neverExpires : dayOf(timeMs) + days;
}

/** Whether what is kept until a day has expired on another: when its day is over. */
export function isExpired({ day }: { readonly day: number }, today: number): boolean {
  return day !== neverExpires && day < today;
}

/** Reads a day that is written as `2026-11-30`. */
export function readDay(text: string): number {
  return dayOf(Date.parse(text));
}

/** Prints a day as `2026-11-30`. */
export function printDay(day: number): string {
  return new Date(startOf(day)).toISOString().slice(0, 10);
}

/** Prints the last day of what is kept; null: it never comes. */
export function printLastDay(day: number | null): string | null {
  return day === null || day === neverExpires ? null : printDay(day);
}
