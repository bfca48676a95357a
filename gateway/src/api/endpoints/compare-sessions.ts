import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { openReading } from '../readings.ts';
import { comparedRequests } from '../side-by-side.ts';

export const compareSessions = endpoint({
  id: 'compareSessions',
  method: 'GET',
  path: '/api/v1/sessions/:session/diff/:other',
  summary: 'Puts the requests of two sessions beside each other, with what differs in them and in their answers. The reading of both is recorded.',
  description:
    'Only records that the caller sees are compared, of at most 10,000 requests each. Ids and moments, which are new in each run, make no difference.',
  callers: 'facts',
  params: { session: sessionName, other: sessionName },
  answer: lines(comparedRequests),
  errors: ['not_found', 'limit_exceeded', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { session, other } }) {
    const { found: a, sight } = await openReading(parts, caller, { act: 'facts', what: 'diff', session });
    const { found: b } = await openReading(parts, caller, { act: 'facts', what: 'diff', session: other });
    yield* parts.reader.compare(a, b, sight);
  },
});
