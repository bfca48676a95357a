import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import { nothing } from '../../query/query.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';
import { sessionOverview, sessionSummary } from '../session-summary.ts';

const lengthMax = 4096;

export const listSessions = endpoint({
  id: 'listSessions',
  method: 'GET',
  path: '/api/v1/sessions',
  summary:
    'Lists the sessions of which the caller may see records, each with its title, its risk and what was found in it. This is recorded if content is shown or a query asked.',
  callers: 'list',
  query: {
    all: z.string().optional().describe("With any value, the list includes the gateway's own sessions, which record starts, refused logins and who read what."),
    begin: z
      .string()
      .regex(/^[0-9a-f]{8,32}$/, '8 to 32 hex digits are expected')
      .optional()
      .describe(
        'The first 8 hex digits or more of the id of a session. The answer then has only the sessions whose ids begin so, without overviews, whatever the other parameters say.',
      ),
    query: z.string().max(lengthMax).optional().describe('Only sessions with a record for which this query holds, as `class:card`.'),
    since: z.string().max(lengthMax).optional().describe('Only sessions that began from this time on, or are of this age: `2026-11-29`, `90d`.'),
    until: z.string().max(lengthMax).optional().describe('Only sessions that began up to this time.'),
    newest: z.string().optional().describe('With any value, the newest come first, and `after` and `limit` count from there.'),
    facts: z.string().optional().describe('With any value, nothing of the content is shown or looked for: titles are null.'),
    activity: z.string().optional().describe('With any value, each says how its targets were used over its time.'),
    ...paging,
  },
  answer: lines(z.union([sessionOverview, sessionSummary])),
  errors: ['not_found', 'limit_exceeded', 'catching_up', 'store_damaged'],
  act: async function* ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { caller, query: asked }) {
    const { all, after, begin, limit, query, since, until, newest, facts, activity } = asked;
    const sight = sightOf(caller.rights, 'list');
    const page = {
      which: all === undefined ? 'clients' : 'all',
      order: newest === undefined ? 'oldest' : 'newest',
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    } as const;
    if (begin !== undefined) {
      yield* reader.list({ ...page, begin }, sight.facts);
      return;
    }
    if (facts === undefined || query !== undefined) {
      await recordAccess(recorder, caller, { what: 'list', act: 'list', session: null, more: asked });
    }
    yield* reader.sessions({
      ...page,
      query: query ?? null,
      began: [...(since === undefined ? [] : [`since:${since}`]), ...(until === undefined ? [] : [`until:${until}`])],
      nowMs: Date.now(),
      hasActivity: activity !== undefined,
      sight: facts === undefined ? sight : { ...sight, content: nothing },
    });
  },
});
