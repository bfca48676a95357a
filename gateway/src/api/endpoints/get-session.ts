import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import { nothing } from '../../query/query.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { findSeen, openReading } from '../readings.ts';
import { sessionOverview } from '../session-summary.ts';

export const getSession = endpoint({
  id: 'getSession',
  method: 'GET',
  path: '/api/v1/sessions/:session',
  summary: 'Returns a session with its title, its risk and what was found in it. This is recorded if content is shown.',
  callers: 'facts',
  params: { session: sessionName },
  query: { facts: z.string().optional().describe('With any value, nothing of the content is shown: the title is null.') },
  answer: json(sessionOverview),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params, query: { facts } }) => {
    const sight = sightOf(caller.rights, 'facts');
    const { session } =
      facts === undefined
        ? (await openReading(parts, caller, { act: 'facts', what: 'overview', session: params.session })).found
        : await findSeen(parts, caller, { act: 'facts', what: 'overview', session: params.session, seen: sight.facts });
    const seen = facts === undefined ? sight : { ...sight, content: nothing };
    const wanted = { which: 'all', begin: session, query: null, began: [], nowMs: Date.now(), sight: seen } as const;
    for await (const piece of parts.reader.sessions(wanted)) {
      return JSON.parse(Buffer.from(piece).toString());
    }
    throw new GatewayError('not_found', 'The session is gone from the index. Ask again in a moment.');
  },
});
