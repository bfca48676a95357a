import { InvalidArgumentError } from 'commander';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `90s`, `30m`, `1h` or `7d` and returns milliseconds. Anything else is a usage error. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const factor = unitMs[unit];
  if (factor === undefined) {
    throw new InvalidArgumentError('Write 90s, 30m, 1h or 7d.');
  }
  return Number(digits) * factor;
}

/** Writes a duration in the largest unit in which it is a whole number, as `parseDuration` reads it; `durationMs` is a multiple of a second. */
export function formatDuration(durationMs: number): string {
  const [unit = 's', factor = 1000] = Object.entries(unitMs).findLast(([, each]) => durationMs % each === 0) ?? [];
  return `${durationMs / factor}${unit}`;
}
