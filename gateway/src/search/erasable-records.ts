import type { Leaf } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { either, type Query } from '../query/query.ts';
import type { Erasable, ErasableSecret, WantedErasable } from '../recording/erasable.ts';
import { dayOf } from '../recording/retention.ts';
import type { SealingSecret, SealingSecrets } from './record-opener.ts';

/** Most sessions of which something is erased at a time, and most records of these. */
const sessionsMax = 10_000;
const recordsMax = 1_000_000;
/** So many sessions are looked for in the index together. */
const togetherMax = 200;

interface Record {
  readonly leaf: Leaf;
  readonly own: readonly SealingSecret[];
}

export interface ErasableParts {
  /** Yields the records for which a query holds, in the order of the log, with the secrets that seal them. */
  readonly sealing: (query: Query) => AsyncIterable<SealingSecrets>;
  /** True for a session of the gateway itself. */
  readonly isOwn: (session: string) => Promise<boolean>;
  /** False for a secret that nothing opens any more. */
  readonly isThere: (secret: SealingSecret) => boolean;
}

/**
 * Finds the secrets that seal the records for which a query holds, and counts what else they seal: a secret is for one session, class and day. Without `facts`, they are those of contents. Rejects with GatewayError `limit_exceeded`.
 */
export async function findErasable(
  query: Query,
  { facts: hasFacts, only }: Pick<WantedErasable, 'facts' | 'only'>,
  { sealing, isOwn, isThere }: ErasableParts,
): Promise<Erasable> {
  const matching = new Set<number>();
  const sessions = new Map<string, number>();
  for await (const { leaf } of sealing(query)) {
    matching.add(leaf.logIndex);
    sessions.set(leaf.session, (sessions.get(leaf.session) ?? 0) + 1);
    requireFew(sessions.size, matching.size);
  }
  let own = 0;
  for (const [session, records] of sessions) {
    if (await isOwn(session)) {
      own += records;
      sessions.delete(session);
    }
  }
  const secrets = new Map<string, ErasableSecret>();
  const gone = { records: 0, besides: 0, first: Infinity };
  for (const some of chunks([...sessions.keys()])) {
    for (const records of (await recordsOf(some, { sealing, isThere })).values()) {
      const ending = endingOf(records, matching, hasFacts);
      for (const { leaf, own: sealed } of records) {
        const its = sealed.filter((each) => ending.has(nameOf(each)) && only?.has(nameOf(each)) !== false);
        for (const { key, slot, under } of its) {
          const day = dayOf(leaf.timeMs);
          const days = secrets.get(nameOf({ key, slot }))?.days ?? { first: day, last: day };
          secrets.set(nameOf({ key, slot }), {
            key,
            slot,
            under,
            session: leaf.session,
            days: { first: Math.min(days.first, day), last: Math.max(days.last, day) },
          });
        }
        if (its.length > 0) {
          gone[matching.has(leaf.logIndex) ? 'records' : 'besides'] += 1;
          gone.first = Math.min(gone.first, leaf.logIndex);
        }
      }
    }
  }
  return { secrets: [...secrets.values()], ...gone, first: gone.first === Infinity ? 0 : gone.first, own };
}

/** Returns the records of sessions, each with its secrets that are there. */
async function recordsOf(sessions: readonly string[], { sealing, isThere }: Omit<ErasableParts, 'isOwn'>): Promise<ReadonlyMap<string, readonly Record[]>> {
  const found = new Map<string, Record[]>();
  let count = 0;
  for await (const { leaf, own } of sealing(either(sessions.map(ofSession)))) {
    const records = found.get(leaf.session) ?? [];
    found.set(leaf.session, records);
    records.push({ leaf, own: own.filter(isThere) });
    count += 1;
    requireFew(sessions.length, count);
  }
  return found;
}

/** Returns the names of the secrets that end: where facts do, the contents of the same records end too. */
function endingOf(records: readonly Record[], matching: ReadonlySet<number>, hasFacts: boolean): ReadonlySet<string> {
  const own = records.filter(({ leaf }) => matching.has(leaf.logIndex)).flatMap((record) => record.own);
  const ending = new Set(own.filter(({ slot }) => hasFacts || slot === 'content').map(nameOf));
  const goWithFacts = hasFacts ? records.filter((record) => record.own.some((each) => ending.has(nameOf(each)))) : [];
  return new Set([...ending, ...goWithFacts.flatMap((record) => record.own).map(nameOf)]);
}

function requireFew(sessions: number, records: number): void {
  if (sessions > sessionsMax || records > recordsMax) {
    throw new GatewayError(
      'limit_exceeded',
      `At most ${sessionsMax} sessions and ${recordsMax} records are erased at a time: narrow the query by times, and erase in several steps.`,
    );
  }
}

function* chunks(sessions: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < sessions.length; at += togetherMax) {
    yield sessions.slice(at, at + togetherMax);
  }
}

function ofSession(session: string): Query {
  return { is: 'term', field: 'session', test: { by: 'equal', value: session } };
}

function nameOf({ key, slot }: Pick<SealingSecret, 'key' | 'slot'>): string {
  return `${key} ${slot}`;
}
