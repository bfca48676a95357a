import { durationUnits } from '@countersign/gateway/duration';
import { InvalidArgumentError } from 'commander';

/** Parses `90s`, `30m`, `1h` or `7d` and returns milliseconds. Anything else is a usage error. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const factor = durationUnits[unit];
  if (factor === undefined) {
    throw new InvalidArgumentError('Write 90s, 30m, 1h or 7d.');
  }
  return Number(digits) * factor;
}
