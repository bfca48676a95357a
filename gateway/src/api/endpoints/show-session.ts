import { z } from 'zod';
import { nothing } from '../../query/query.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { openReading } from '../readings.ts';
import { shownRecord, withTables } from '../shown-record.ts';

export const showSession = endpoint({
  id: 'showSession',
  method: 'GET',
  path: '/api/v1/sessions/:session/records',
  summary: 'Returns the records of a session. The reading is recorded.',
  description: 'Who may see only some of the records gets these, and of those whose content is not for the caller the facts.',
  callers: 'facts',
  params: { session: sessionName },
  query: {
    facts: z.string().optional().describe('With any value, nothing of the content is shown.'),
    tables: withTables,
  },
  answer: lines(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { session }, query: { facts, tables } }) {
    const { found, sight } = await openReading(parts, caller, { act: 'facts', what: 'show', session });
    yield* parts.reader.show(found, null, facts === undefined ? sight : { ...sight, content: nothing }, tables !== undefined);
  },
});
