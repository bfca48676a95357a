import type { Reading } from './reading.ts';
import { isPlainSetting } from './settings.ts';

/** Reads the change of a setting of the session. A name or value is null if it is not constant. */
export function readSetting(given: string | null, value: string | null, reading: Reading): void {
  const name = given?.toLowerCase() ?? null;
  reading.draft.add('read');
  if (name === null) {
    reading.draft.add('administer');
    reading.draft.unknown();
    return;
  }
  if (!isPlainSetting(name)) {
    reading.draft.add('administer');
  }
  if (name === 'search_path') {
    reading.names.addPath(value === null ? null : splitPath(value));
    if (value === null) {
      reading.draft.unknown();
    }
  } else if (name === 'role' || name === 'session_authorization') {
    reading.names.addUser(value);
  } else if (name === 'statement_timeout') {
    reading.draft.timeout = value;
  } else if (name === 'client_encoding') {
    reading.draft.encodes ||= !/^(?:utf-?8|unicode)$/i.test(value ?? '');
  } else if (name === 'standard_conforming_strings' && !/^(?:on|true|yes|1)$/i.test(value ?? '')) {
    // The next texts may be read in another way than the parser reads them.
    reading.draft.unknown();
  }
}

/** Splits a search path as PostgreSQL does. A list that PostgreSQL would refuse is kept as it is, and names no schema then. */
export function splitPath(text: string): readonly string[] {
  const parts = text.match(/(?:"(?:[^"]|"")*"|[^",])+/g) ?? [];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (/^"(?:[^"]|"")*"$/.test(part) ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase()));
}

/** PostgreSQL's units of time, in ms. */
const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a `statement_timeout` as PostgreSQL does: a number without a unit is in ms, and 0 is no limit. Returns ms; Infinity also for what PostgreSQL refuses. */
export function timeoutMsOf(value: string): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*$/.exec(value) ?? [];
  const ms = Math.round(Number(number ?? 0) * (units[unit || 'ms'] ?? 0));
  return ms === 0 ? Infinity : ms;
}
