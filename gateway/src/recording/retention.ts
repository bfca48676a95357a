import { neverExpires } from '@countersign/ledger/format';

const dayMs = 86_400_000;

/** How long the two slots of a record are kept, in days; null keeps them for good. */
export interface Retention {
  readonly metaDays: number | null;
  readonly contentDays: number | null;
}

/** Retention class of everything until classes are named in the configuration (docs/formats/leaf.md). */
export const standardClass = 1;
/** Nothing sealed in the slot. */
export const noClass = 0;

/** Days since 1970-01-01 on which something made at `timeMs` expires. */
export function expiryDay(timeMs: number, days: number | null): number {
  return days === null ? neverExpires : Math.floor(timeMs / dayMs) + days;
}
