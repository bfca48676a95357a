import { existsSync } from 'node:fs';
import type { MessageRange } from '@countersign/gateway/api';
import { leafKinds } from '@countersign/ledger/format';
import { InvalidArgumentError } from 'commander';

/** A range of bytes. If `to` is null, it reaches to the end. */
export type ByteRange = Pick<MessageRange, 'from' | 'to'>;

/** Collects the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('A port is 0 to 65535.');
  }
  return port;
}

/** Parses a date as `2027-06-30`. Anything else is a usage error, as is a day that no month has. */
export function parseDate(text: string): string {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes the 30th of February for the 2nd of March.
  if (Number.isNaN(startMs) || !new Date(startMs).toISOString().startsWith(text)) {
    throw new InvalidArgumentError('Write a date as 2027-06-30, of a day that there is.');
  }
  return text;
}

export function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError('A number from 1 on is expected.');
  }
  return Number(text);
}

export function parseSpeed(text: string): number {
  const speed = Number(text);
  if (!(speed > 0 && speed < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError('A number above 0 is expected.');
  }
  return speed;
}

/** Parses the number of a record, as it is printed after `#`. */
export function parseRecord(text: string): number {
  if (!/^#?\d{1,15}$/.test(text)) {
    throw new InvalidArgumentError('A record is a number: session show prints it after #.');
  }
  return Number(text.replace('#', ''));
}

/** Parses `A-B`, which includes both ends, or `A-`. */
export function parseBytes(text: string): ByteRange {
  const [, from, to] = /^(\d{1,15})-(\d{0,15})$/.exec(text) ?? [];
  if (from === undefined || (to !== '' && Number(to) < Number(from))) {
    throw new InvalidArgumentError('Bytes are A-B, or A- for all from A on: both are included, and the first is 0.');
  }
  return { from: Number(from), to: to === '' ? null : Number(to) };
}

/** Parses the number of a channel and adds it to those given before. */
export function parseChannels(text: string, before: readonly number[]): readonly number[] {
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError('A channel is a number: session show prints it before each record.');
  }
  return [...before, Number(text)];
}

/** Parses the kind of a record and adds it to those given before. */
export function parseKinds(text: string, before: readonly string[]): readonly string[] {
  if (!Object.hasOwn(leafKinds, text)) {
    throw new InvalidArgumentError(`Kinds are ${Object.keys(leafKinds).join(', ')}.`);
  }
  return [...before, text];
}

const sessionWords = 'A session is 32 hex digits, or the first 8 of them or more: session list names them.';

/** True for 32 hex digits, the form of a session id. */
export function isSession(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** True for the id of a session, or for its first 8 digits or more. */
function isSessionName(text: string): boolean {
  return /^[0-9a-f]{8,32}$/.test(text);
}

/** True if a recording is named by the id of a session, or by the beginning of one while no file has that name. Otherwise it is the name of a file. */
export function isStored(recording: string): boolean {
  return isSession(recording) || (isSessionName(recording) && !existsSync(recording));
}

/** Parses the id of a session, or its beginning. */
export function parseSession(text: string): string {
  if (!isSessionName(text)) {
    throw new InvalidArgumentError(sessionWords);
  }
  return text;
}

/** Parses a session id or the name of a bundle's file. */
export function parseRecording(text: string): string {
  if (!isSessionName(text) && !existsSync(text)) {
    throw new InvalidArgumentError(`${sessionWords} There is no file of this name either.`);
  }
  return text;
}

/** True for `LOG/INDEX` and `SESSION#NUMBER`, the names of a record. */
export function isRecordName(text: string): boolean {
  return /^(?:[0-9a-f]{16}\/|[0-9a-f]{8,32}#)\d{1,15}$/.test(text);
}

/** Parses a session id, the name of a bundle's file, or the name of a record. */
export function parseShown(text: string): string {
  return isRecordName(text) ? text : parseRecording(text);
}

/** Parses the name of a record, `LOG/INDEX` or `SESSION#NUMBER`. Anything else is a usage error. */
export function parseRecordId(text: string): string {
  if (!isRecordName(text)) {
    throw new InvalidArgumentError(
      'A record looks like 0123456789abcdef/42, or like SESSION#4, where session show prints #4: at least the first 8 digits of the session.',
    );
  }
  return text;
}
