import { z } from 'zod';
import { mayDo, scopeOf } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import { matches } from '../query/matches.ts';
import { isEverything, isNothing, nothing, termsOf } from '../query/query.ts';
import { unknownNames } from '../query/unknown-names.ts';
import type { Hold, HoldPerson } from '../retention/holds.ts';
import { readQuery } from '../search/read-query.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';

export const matterName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._:#-]{0,99}$/u, 'a matter is named by letters, digits, spaces and . _ : # -, at most 100')
  .describe('The name of the matter.');
export const holdReason = z.string().min(1, 'a reason is expected').max(1000);
const queryLengthMax = 4096;
/** A query of what is held or erased. */
export const keepingQuery = z.string().min(1).max(queryLengthMax);

export const unknownMember = z
  .array(z.string())
  .readonly()
  .describe('In words: each target and class that the query names and that the configuration does not have, as a former or a mistyped one.');

export const holdSummary = z
  .object({
    matter: z.string(),
    query: z.string(),
    reason: z.string(),
    by: z.string().describe('Who set it. Another person releases it.'),
    onBehalfOf: z.string().nullable(),
    since: z.iso.datetime(),
    class: z.int().describe('The number of its class of keeping, as the log names it.'),
    sessions: z
      .int()
      .nullable()
      .describe('The sessions with records that it keeps. A session of several days counts for each of them. Null, as the next: they are for who sets holds.'),
    records: z.int().nullable().describe('The records that matched.'),
    oldest: z.iso.datetime().nullable().describe('The time of the oldest of them.'),
    covered: z.int().nullable().describe('The number of records, from the beginning of the log, that were looked at for it.'),
    releasedBy: z.string().nullable().describe('Who has released it. Null: it is in force. Otherwise its key is being destroyed.'),
    unknown: unknownMember,
  })
  .meta({ id: 'Hold', description: 'What is kept for a matter, whatever the rules of retention say.' });

export type HoldSummary = z.output<typeof holdSummary>;

export function summarizeHold(parts: Pick<ApiParts, 'keys' | 'targets' | 'classNames'>, { class: classId, facts, kept }: Hold): HoldSummary {
  const { matter, query, reason, by, sinceMs, release } = facts;
  return {
    matter,
    query,
    reason,
    by: by.id,
    onBehalfOf: by.onBehalfOf,
    since: new Date(sinceMs).toISOString(),
    class: classId,
    sessions: parts.keys.holds.countKeys(classId),
    records: kept.records,
    oldest: kept.oldestMs === null ? null : new Date(kept.oldestMs).toISOString(),
    covered: kept.covered,
    releasedBy: release?.by.id ?? null,
    unknown: unknownIn(parts, query),
  };
}

/** Returns a hold as somebody may see it, who may read the record that it was set: who sets no holds sees nothing of the records that it keeps. Null: that may not be read. */
export function holdFor(parts: Pick<ApiParts, 'keys' | 'targets' | 'classNames'>, caller: Caller, hold: Hold): HoldSummary | null {
  const whole = summarizeHold(parts, hold);
  const { by, sinceMs: timeMs } = hold.facts;
  if (mayDo(caller.rights, 'hold')) {
    return whole;
  }
  return mayReadAct(caller, { kind: 'hold', by, timeMs }) ? { ...whole, sessions: null, records: null, oldest: null, covered: null, unknown: [] } : null;
}

/** Returns whether somebody may read the record of what a person did about keeping. It belongs to no target. */
export function mayReadAct({ rights }: Caller, { kind, by, timeMs }: { readonly kind: string; readonly by: HoldPerson; readonly timeMs: number }): boolean {
  const values = new Map([
    ['kind', [kind]],
    ['principal', [by.id]],
    ['on-behalf-of', by.onBehalfOf === null ? [] : [by.onBehalfOf]],
  ]);
  return matches(scopeOf(rights, 'facts'), { timeMs, values, words: [] });
}

/** Says what a query names and there is not. Throws GatewayError `malformed` for one that cannot be read. */
export function unknownIn({ targets, classNames }: Pick<ApiParts, 'targets' | 'classNames'>, query: string): readonly string[] {
  return unknownNames(readQuery(query, Date.now()), { target: [...targets().keys()], class: classNames() });
}

export function personOf({ id, onBehalfOf, address }: Caller): HoldPerson {
  return { id, onBehalfOf, address };
}

/** Throws GatewayError `refused` unless the caller is a person, or the operator: agents decide nothing about keeping. */
export function requirePerson({ standing }: Caller, what: string): void {
  if (standing !== null && standing.principal.kind !== 'human') {
    throw new GatewayError('refused', `Only a person ${what}.`);
  }
}

/**
 * Throws GatewayError `refused` if a query asks about content and the caller may not read all of it, for how many records match would tell what is in them; `malformed` if it
 * cannot be read.
 */
export function requireReadable({ boundary }: Pick<ApiParts, 'boundary'>, { rights }: Caller, query: string): void {
  const isOfContent = termsOf(readQuery(query, Date.now())).some(({ field }) => isNothing(boundary.scopeOfField(field, nothing)));
  if (isOfContent && !isEverything(scopeOf(rights, 'content'))) {
    throw new GatewayError('refused', 'The query asks about content: words of the text, and what else is content, are for who may read all of it.');
  }
}
