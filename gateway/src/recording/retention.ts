import { neverExpires } from '@countersign/ledger/format';

const dayMs = 86_400_000;

/** Number of days that the two slots of a record are kept; null: they are kept forever. */
export interface Retention {
  readonly metaDays: number | null;
  readonly contentDays: number | null;
}

/** The retention class of everything, as long as the configuration names no classes (docs/formats/leaf.md). */
export const standardClass = 1;
/** The class of a slot in which nothing is sealed. */
export const noClass = 0;

/** The day on which something made at `timeMs` expires, as the number of days since 1970-01-01. */
export function expiryDay(timeMs: number, days: number | null): number {
  return days === null ? neverExpires : Math.floor(timeMs / dayMs) + days;
}
