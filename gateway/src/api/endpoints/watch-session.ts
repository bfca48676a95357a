import { live } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { openReading } from '../readings.ts';
import { shownRecord, withTables } from '../shown-record.ts';

export const watchSession = endpoint({
  id: 'watchSession',
  method: 'GET',
  path: '/api/v1/sessions/:session/watch',
  summary: 'Returns the records of a session, and then each new record, until the session closes or the reader leaves. The reading is recorded.',
  description:
    'Who accepts `text/event-stream` gets events: `record`, whose id is the number of the record, `problem` and `end`. With `last-event-id` the records up to it are left out.',
  callers: 'watch',
  params: { session: sessionName },
  query: { tables: withTables },
  answer: live(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { session }, query: { tables }, signal }) {
    const { found, sight } = await openReading(parts, caller, { act: 'watch', what: 'watch', session });
    yield* parts.reader.watch(found, signal, sight, tables !== undefined);
  },
});
