import type { ReactNode } from 'react';

const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });

/** A time, in the reader's own zone; that of the record, in UTC, is what the mouse finds. `clock` leaves out the day, and has milliseconds. */
export function Time({ of, as = 'day' }: { readonly of: string; readonly as?: 'day' | 'clock' }): ReactNode {
  return (
    <time dateTime={of} title={of}>
      {as === 'day' ? dayOf(of) : clockOf(of)}
    </time>
  );
}

/** Returns the day and the time of it in the reader's own zone. */
export function dayOf(time: string): string {
  return day.format(new Date(time));
}

/** Returns the time of day in the reader's own zone, with milliseconds. */
export function clockOf(time: string): string {
  return clock.format(new Date(time));
}

/** Returns a duration in the largest unit that fits: `850 ms`, `12 s`, `4 min`, `3 h`, `2 d`. */
export function duration(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ] as const;
  const [unit, name] = units.find(([each]) => ms >= each) ?? [1, 'ms'];
  const many = ms / unit;
  return `${many < 10 && unit > 1 ? many.toFixed(1).replace('.0', '') : Math.round(many)} ${name}`;
}
