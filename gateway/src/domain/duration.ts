/** The units of durations in the configuration and on the command line, in milliseconds, the largest last. */
export const durationUnits: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Writes a duration in the largest unit in which it is a whole number: `90s`, `1h`. `durationMs` is a multiple of a second. */
export function formatDuration(durationMs: number): string {
  const [unit = 's', factor = 1000] = Object.entries(durationUnits).findLast(([, each]) => durationMs % each === 0) ?? [];
  return `${durationMs / factor}${unit}`;
}

/** The units of times of keeping, in days. A year is 365 days, whether or not a leap day is in it. */
const dayUnits: Readonly<Record<string, number>> = { d: 1, w: 7, y: 365 };
/** The longest time of keeping that has an end, in days. */
export const daysMax = 36_500;

/** Parses a time of keeping: `30d`, `6w`, `7y`. Returns days; null if it is none, or is not from one day to `daysMax`. */
export function parseDays(written: string): number | null {
  const [, count = '', unit = ''] = /^([1-9]\d{0,4})([dwy])$/.exec(written) ?? [];
  const days = Number(count) * (dayUnits[unit] ?? 0);
  return days >= 1 && days <= daysMax ? days : null;
}

/** Writes a time of keeping in years if it is a whole number of them, and else in days: `7y`, `400d`. Null: `forever`. */
export function formatDays(days: number | null): string {
  return days === null ? 'forever' : days % 365 === 0 ? `${days / 365}y` : `${days}d`;
}
