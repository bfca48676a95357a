/** Says in words what the records of keeping, holds and erasures state. */
import { printLastDay } from '@countersign/gateway/bundled-session';
import { formatDays } from '@countersign/gateway/duration';
import type { ParsedRecord } from '@countersign/ledger';
import { texts } from '../texts.ts';
import { clearOf } from './archive.ts';

type Body = Readonly<Record<string, unknown>>;

const { says } = texts.evidence;

/** Returns what a record states, which was verified, and what the gateway sealed in it about why, if that is in the file. */
export function governanceWords(record: ParsedRecord): string {
  const body = clearOf(record);
  const { kind } = record.decoded;
  const stated = kind === 'keep' ? keepWords(body) : kind === 'erasure' ? erasureWords(body, record.decoded.gatewayId) : JSON.stringify(body);
  return [stated, ...sealedWords(record)].join(' · ');
}

function keepWords({ class: number, content, facts, floor }: Body): string {
  return says.keep(Number(number), [content, facts].map(daysOf), floor === null ? null : daysOf(floor));
}

function erasureWords({ phase, intent, cause, keys, secrets, copies }: Body, log: string): string {
  if (phase === 'complete') {
    return says.complete(`${log}/${String(intent)}`);
  }
  const classes = membersOf(keys).map(([number, day]) => says.classDay(Number(number), printLastDay(Number(day))));
  return says.intent(
    String(cause),
    [...classes, ...(membersOf(secrets).length === 0 ? [] : [says.secrets(membersOf(secrets).length)])],
    listOf(copies).map(String),
  );
}

/** Prints a number of days; null: for ever. */
function daysOf(days: unknown): string {
  return formatDays(typeof days === 'number' ? days : null);
}

function sealedWords({ content }: ParsedRecord): readonly string[] {
  if (content.form !== 'opened') {
    return [];
  }
  const sealed: Body = { ...Object(JSON.parse(new TextDecoder().decode(content.plaintext))) };
  return Object.entries(sealed).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function membersOf(list: unknown): readonly (readonly unknown[])[] {
  return listOf(list).map(listOf);
}
