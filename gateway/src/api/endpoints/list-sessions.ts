import { z } from 'zod';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';
import { sessionSummary } from '../session-summary.ts';

export const listSessions = endpoint({
  id: 'listSessions',
  method: 'GET',
  path: '/api/v1/sessions',
  summary: 'Lists sessions, oldest first.',
  query: {
    all: z.string().optional().describe("With any value, the list includes the gateway's own sessions, which record starts, refused logins and who read what."),
    begin: z
      .string()
      .regex(/^[0-9a-f]{8,32}$/, '8 to 32 hex digits are expected')
      .optional()
      .describe(
        'The first 8 hex digits or more of the id of a session. The answer then has only the sessions whose ids begin so, whatever the other parameters say.',
      ),
    ...paging,
  },
  answer: lines(z.object(sessionSummary).meta({ id: 'SessionSummary', description: 'A session in a list. Times are in UTC.' })),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: ({ reader }: Pick<ApiParts, 'reader'>, { query: { all, after, begin, limit } }) =>
    reader.list({
      which: all === undefined ? 'clients' : 'all',
      ...(after === undefined ? {} : { after }),
      ...(begin === undefined ? {} : { begin }),
      ...(limit === undefined ? {} : { limit }),
    }),
});
