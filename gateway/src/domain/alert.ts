/** How serious an alert is, the least first. */
export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;

export type Severity = (typeof severities)[number];

/** Hours in which people usually work, in a time zone. */
export interface WorkingHours {
  /** Days of the week on which they work, Sunday is 0. */
  readonly days: readonly number[];
  /** The first minute of the working day, and the one after the last, counted from midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly timeZone: string;
}

/** A rule that watches what is recorded, and raises an alert. */
export interface AlertRule {
  readonly name: string;
  /** The records that it counts, in the language of queries. */
  readonly query: string;
  /** It raises an alert when so many records of a group come within the window. */
  readonly count: number;
  readonly windowMs: number;
  /** The fields whose values make a group: records with the same values are counted together. */
  readonly by: readonly string[];
  /** Null: as serious as the record says that raises it, or else `medium`. */
  readonly severity: Severity | null;
  /** The sinks that get a notice. */
  readonly to: readonly string[];
  /** Only records outside of these hours count. Null: all do. */
  readonly outside: WorkingHours | null;
  /** Only the first record of a group after so long without one counts. Null: each does. */
  readonly unseenMs: number | null;
}

/** The hours as they are written: `mon-fri 08:00-18:00 Europe/Berlin`. */
const hoursText = /^(sun|mon|tue|wed|thu|fri|sat)-(sun|mon|tue|wed|thu|fri|sat) ([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d) (\S{1,64})$/;
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Parses working hours, `mon-fri 08:00-18:00 Europe/Berlin`. Returns null for anything else. */
export function parseWorkingHours(text: string): WorkingHours | null {
  const [, first = '', last = '', fromHour, fromMinute, toHour, toMinute, timeZone = ''] = hoursText.exec(text) ?? [];
  const hours = { fromMinute: Number(fromHour) * 60 + Number(fromMinute), toMinute: Number(toHour) * 60 + Number(toMinute), timeZone };
  const [begin, end] = [first, last].map((name) => dayNames.findIndex((each) => each === name));
  if (begin === undefined || end === undefined || !(hours.fromMinute < hours.toMinute && hours.toMinute <= 24 * 60) || !isTimeZone(timeZone)) {
    return null;
  }
  const days = Array.from({ length: ((end - begin + 7) % 7) + 1 }, (_, i) => (begin + i) % 7);
  return { days, ...hours };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Makes a function that says whether a time, in ms since 1970, is within working hours. */
export function withinHours({ days, fromMinute, toMinute, timeZone }: WorkingHours): (timeMs: number) => boolean {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return (timeMs) => {
    const parts = new Map(format.formatToParts(timeMs).map(({ type, value }) => [type, value]));
    const day = dayNames.findIndex((name) => name === parts.get('weekday')?.toLowerCase());
    const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
    return days.includes(day) && minute >= fromMinute && minute < toMinute;
  };
}
