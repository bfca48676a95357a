import { firstHoldClass } from '@countersign/ledger/format';
import { countOf } from '../domain/count-of.ts';
import { formatDays } from '../domain/duration.ts';
import type { OpenedRecord } from '../domain/record.ts';
import { printLastDay } from '../recording/retention.ts';

type Body = Readonly<Record<string, unknown>>;

/** The names that are shown of what the gateway sealed in a record about who asked and why. Others are shown as they are. */
const shownNames: Readonly<Record<string, string>> = { onBehalfOf: 'on behalf of', address: 'from', addresses: 'from' };
const breaks = /\p{Cc}+/gu;

/**
 * Says in words what a record of keeping, of a hold, of an erasure, of a comparison with what a target counts, of a signing key or of a pause states, which everybody
 * may read, and on a line each what the gateway sealed in it about who asked and why, if that can be read. Null: the record is of another kind.
 */
export function governanceWords({
  kind,
  governance,
  content,
  record,
}: Pick<OpenedRecord, 'kind' | 'governance' | 'content' | 'record'>): readonly string[] | null {
  const body = governance ?? {};
  switch (kind) {
    case 'keep':
      return [keepWords(body), ...sealedWords(content)];
    case 'hold':
      return [`Hold ${Number(body['class'])} is ${body['what'] === 'release' ? 'released' : 'set'}.`, ...sealedWords(content)];
    case 'erasure':
      return [erasureWords(body, record.slice(0, record.lastIndexOf('/'))), ...sealedWords(content)];
    case 'reconcile':
      return [reconcileWords(body), ...sealedWords(content)];
    case 'signer':
      return [
        `A new signing key is announced, for checkpoints of ${Number(record.slice(record.lastIndexOf('/') + 1)) + 1} records or more: ${plain(body['vkey'])}`,
      ];
    case 'pause':
      return [`Nothing was recorded between ${timeWords(body['from'])} and ${timeWords(body['to'])}.`];
    default:
      return null;
  }
}

function keepWords({ class: number, content, facts, floor }: Body): string {
  const end = typeof floor === 'number' ? `; nobody erases them before ${formatDays(floor)}` : '';
  return `Class ${Number(number)}: contents are kept ${keptWords(content)}, facts ${keptWords(facts)}${end}.`;
}

function erasureWords({ phase, intent, cause, keys, secrets, copies }: Body, log: string): string {
  if (phase === 'complete') {
    return `Destroyed: what record ${log}/${Number(intent)} names.`;
  }
  const classes = listOf(keys).map((key) => classDayWords(listOf(key)));
  const many = listOf(secrets).length;
  const what = [...classes, ...(many === 0 ? [] : [countOf(many, 'secret of a session', 'secrets of sessions')])];
  const places = listOf(copies).map(String);
  return `To be destroyed (${String(cause)}): ${what.join(', ')}.${places.length === 0 ? '' : ` Copies of the keys may be in: ${places.join(', ')}.`}`;
}

function classDayWords([number, day]: readonly unknown[]): string {
  if (Number(number) >= firstHoldClass) {
    return `the key of hold ${Number(number)}`;
  }
  const until = printLastDay(Number(day));
  return `the key of class ${Number(number)}${until === null ? '' : ` until ${until}`}`;
}

function reconcileWords({ what, counted, recorded }: Body): string {
  const counts = typeof counted === 'number' ? `; ${counted} counted, ${Number(recorded)} recorded` : '';
  return `Compared with what the target counts itself: ${plain(what)}${counts}.`;
}

/** Says on a line each where the counts differ. */
function differenceLines(comparison: unknown): readonly string[] {
  const { differences, more, maybe, unnamed }: Body = { ...Object(comparison) };
  const lines = listOf(differences).map((each) => {
    const { name, text, ...counts }: Body = { ...Object(each) };
    const what = text === '' || text === undefined ? name : text;
    return `${Number(counts['counted'])} counted, ${Number(counts['recorded'])} recorded, ${Number(counts['maybe'])} maybe: ${plain(what)}`;
  });
  return [
    ...(typeof maybe === 'number' ? [`failed or had no answer yet: ${maybe}, not known by name: ${Number(unnamed)}`] : []),
    ...lines,
    ...(Number(more) > 0 ? [`and ${Number(more)} more differences`] : []),
  ];
}

/** The latest time that a `Date` can hold, in ms since 1970. */
const timeMsMax = 8.64e15;

function timeWords(ms: unknown): string {
  return typeof ms === 'number' && Math.abs(ms) <= timeMsMax ? new Date(ms).toISOString() : 'a time that is not known';
}

function keptWords(days: unknown): string {
  return typeof days === 'number' ? `for ${formatDays(days)}` : 'forever';
}

/** Prints each of the sealed facts on one line. Breaks in what people wrote become spaces, so that no text of theirs looks like another fact. */
function sealedWords(content: Uint8Array | null): readonly string[] {
  if (content === null || content.length === 0) {
    return [];
  }
  return Object.entries(readSealed(content)).flatMap(([name, value]) => {
    if (value === null) {
      return [];
    }
    if (name === 'comparison') {
      return differenceLines(value);
    }
    return `${shownNames[name] ?? name}: ${name === 'since' ? timeWords(value) : plain(value)}`;
  });
}

/** Prints a value on one line. */
function plain(value: unknown): string {
  return valueWords(value).replaceAll(breaks, ' ');
}

/** Reads what was sealed, of a file that may have anything there. */
function readSealed(content: Uint8Array): Body {
  try {
    return { ...Object(JSON.parse(new TextDecoder().decode(content))) };
  } catch {
    return {};
  }
}

function valueWords(value: unknown): string {
  return Array.isArray(value) ? value.map(valueWords).join(', ') : typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
