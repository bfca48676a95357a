const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const age = /^(\d{1,6})([smhdw])$/;
const time = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(:\d{2})?(\.\d{1,3})?Z?)?$/;

/** Parses an age as `90d`. Returns milliseconds; null if it is none. */
export function parseAge(text: string): number | null {
  const [, count = '', unit = ''] = age.exec(text) ?? [];
  const unitMs = unitsMs[unit];
  return unitMs === undefined ? null : Number(count) * unitMs;
}

/** Parses a time in UTC. Returns the span for which it stands, in ms since 1970, without its end: a day, a minute, a second or a millisecond. Null if it is none. */
export function parseTime(text: string): { readonly startMs: number; readonly endMs: number } | null {
  const [, day, minute, second, fraction] = time.exec(text) ?? [];
  if (day === undefined) {
    return null;
  }
  const startMs = Date.parse(`${day}T${minute ?? '00:00'}${second ?? ':00'}${(fraction ?? '.0').padEnd(4, '0')}Z`);
  // Date.parse takes the 31st of February for the 3rd of March.
  if (Number.isNaN(startMs) || !new Date(startMs).toISOString().startsWith(day)) {
    return null;
  }
  const lengthMs = fraction !== undefined ? 1 : second !== undefined ? 1000 : minute !== undefined ? 60_000 : 86_400_000;
  return { startMs, endMs: startMs + lengthMs };
}
