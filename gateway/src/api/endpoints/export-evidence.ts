import { z } from 'zod';
import { frames, givenWhole, scopeOf, sightOf, withUnknown } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import { unknownClass } from '../../domain/seen.ts';
import { knownNames } from '../../domain/suggest.ts';
import { either, except, isEverything, namedValues, nothing, type Query } from '../../query/query.ts';
import { readQuery } from '../../search/read-query.ts';
import { findStamped } from '../../timestamps/stamped-files.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { conditionsOf, fixedPeriod, period } from '../period.ts';
import { findSeen } from '../readings.ts';
import { recordAccess } from '../recorded-acts.ts';

const lengthMax = 4096;
/** Most sessions of one file. */
const sessionsMax = 1000;

export const exportEvidence = endpoint({
  id: 'exportEvidence',
  method: 'GET',
  path: '/api/v1/evidence',
  summary:
    'Exports the evidence of the sessions with a record for which a query holds: the lines of docs/formats/evidence.md. The export, and each session in it, is recorded.',
  description:
    'A session is in it as a whole, with the proof of each record. The content that the caller may not read, and that which is to be withheld, is left out; that it was recorded is proven.',
  callers: 'export',
  query: {
    query: z.string().max(lengthMax).default('').describe('The records, in the language of searches, whose sessions are exported. Empty: all sessions.'),
    ...period,
    withhold: z
      .string()
      .max(lengthMax)
      .default('')
      .describe('The content of the records for which this query holds is left out, as `class:health`. Empty: nothing.'),
    for: z
      .string()
      .max(lengthMax)
      .optional()
      .describe('For whom the caller will encrypt it: recipients of age. It is recorded, and the answer is not encrypted.'),
    facts: z.string().max(lengthMax).default('').describe('The content and the facts of the records for which this query holds are left out. Empty: of none.'),
    stamped: z
      .string()
      .optional()
      .describe('With any value, its checkpoint is the newest that has a timestamp, which the evidence then has. It must be over all records of the sessions.'),
  },
  answer: lines(z.looseObject({})),
  errors: ['not_found', 'conflict', 'limit_exceeded', 'catching_up', 'store_damaged'],
  act: async function* ({ data, reader, recorder, classNames }: Pick<ApiParts, 'data' | 'reader' | 'recorder' | 'classNames'>, { caller, query: asked }) {
    const { query, withhold, facts } = asked;
    const nowMs = Date.now();
    const times = fixedPeriod(asked, nowMs);
    const hiding = { content: hidden(withhold, nowMs, classNames()), facts: hidden(facts, nowMs, classNames()) };
    await recordAccess(recorder, caller, { what: 'export evidence', act: 'export', session: null, more: { ...asked, ...times } });
    const besides = conditionsOf({ since: times.since ?? undefined, until: times.until ?? undefined });
    const found = await reader.sessionsWith({ query, besides, nowMs, sight: sightOf(caller.rights, 'export'), limit: sessionsMax });
    if (found.length === 0) {
      throw new GatewayError('not_found', 'No session has such a record: countersign search says which records a query finds.');
    }
    const seen = scopeOf(caller.rights, 'export');
    for (const { session } of found) {
      const reading = { act: 'export', what: 'export evidence', session } as const;
      await findSeen({ reader, recorder }, caller, { ...reading, seen });
      if (!isEverything(seen) && !(await reader.covers(session, either([seen, frames])))) {
        await recordAccess(recorder, caller, { ...reading, more: { refused: 'refused' } });
        throw new GatewayError('refused', `Of session ${session} you see only a part: a session is exported as a whole, by who may export all of its records.`);
      }
      await recordAccess(recorder, caller, reading);
    }
    const given = givenWhole(caller.rights, caller.contentAlone);
    yield* reader.evidence({
      sessions: found,
      header: { query, ...times, withhold, withholdFacts: facts },
      hiding: { ...hiding, content: isEverything(given) ? hiding.content : either([hiding.content, except(given)]) },
      checkpoint: asked.stamped === undefined ? await recorder.publish() : await findStamped(data, null),
    });
  },
});

/**
 * Reads the query of what is withheld. What nobody knows to be without the values of a class is withheld with those. Throws GatewayError `malformed` for a class that there
 * is not, as a mistyped one, because nothing would be withheld.
 */
function hidden(text: string, nowMs: number, known: readonly string[]): Query {
  if (text === '') {
    return nothing;
  }
  const query = readQuery(text, nowMs);
  const strange = namedValues(query, 'class').find((name) => name !== unknownClass && !known.includes(name));
  if (strange !== undefined) {
    throw new GatewayError('malformed', `Nothing would be withheld by ${text}: there is no class ${JSON.stringify(strange)}${knownNames(strange, known)}`);
  }
  return withUnknown(query);
}
