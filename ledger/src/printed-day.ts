import { neverExpires } from './leaf.ts';

const dayMs = 86_400_000;
/** The latest day that a `Date` can hold, in days since 1970-01-01. */
const dayMax = 100_000_000;

/** Prints a day, given in days since 1970-01-01, as `2026-11-30`. */
export function printDay(day: number): string {
  return day === neverExpires ? 'never' : day > dayMax ? `number ${day}` : new Date(day * dayMs).toISOString().slice(0, 10);
}
