import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import { nothing } from '../../query/query.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';
import { findSavedSearch, savedSearchName } from '../saved-searches.ts';
import { searchLine } from '../search-line.ts';

const limitDefault = 50;
const limitMax = 10_000;
const lengthMax = 4096;

export const searchRecords = endpoint({
  id: 'searchRecords',
  method: 'GET',
  path: '/api/v1/search',
  summary: 'Finds records, the newest first. The last line is the summary. The search is recorded.',
  description:
    'Each record is opened and compared with its leaf and with the query. docs/search.md says how queries are written. Records that the caller may not see leave no trace in the answer.',
  callers: 'search',
  query: {
    query: z.string().max(lengthMax).default('').describe('What is looked for, as `model:gpt-4o* kind:(prompt or output)`. Empty: every record.'),
    since: z.string().max(lengthMax).optional().describe('Only records from this time on, or of this age: `2026-11-29`, `90d`.'),
    until: z.string().max(lengthMax).optional().describe('Only records up to this time.'),
    limit: wholeNumber(`a number from 1 to ${limitMax} is expected`, { min: 1, max: limitMax })
      .default(limitDefault)
      .describe('The greatest number of lines before the summary.'),
    before: wholeNumber('the index of a record is expected', { min: 0, max: Number.MAX_SAFE_INTEGER })
      .optional()
      .describe('Only records before this index of the log: `next` of a summary.'),
    sessions: z.string().optional().describe('With any value, the answer has the sessions of the records.'),
    countBy: z.string().max(lengthMax).optional().describe('The answer has the values of this field, and how many records have each, the most frequent first.'),
    saved: savedSearchName.optional().describe('The name of a saved search, for whose query the records must hold too.'),
    facts: z.string().optional().describe('With any value, nothing of the content is shown or looked for.'),
  },
  answer: lines(searchLine),
  errors: ['not_found', 'limit_exceeded', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, query: asked }) {
    const { reader, recorder } = parts;
    const { query, since, until, limit, before, sessions, countBy, saved, facts } = asked;
    const savedQuery = saved === undefined ? null : (await findSavedSearch(parts, caller, saved)).query;
    await recordAccess(recorder, caller, { what: 'search', act: 'search', session: null, more: savedQuery === null ? asked : { ...asked, savedQuery } });
    const sight = sightOf(caller.rights, 'search');
    yield* reader.search({
      query,
      besides: [
        ...(savedQuery === null ? [] : [savedQuery]),
        ...(since === undefined ? [] : [`since:${since}`]),
        ...(until === undefined ? [] : [`until:${until}`]),
      ],
      nowMs: Date.now(),
      checkpoint: await recorder.publish(),
      limit,
      before: before ?? null,
      answer: countBy !== undefined ? { countBy } : sessions === undefined ? 'records' : 'sessions',
      sight: facts === undefined ? sight : { ...sight, content: nothing },
    });
  },
});
