import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';
import { shownRecord } from '../shown-record.ts';

export const showSession = endpoint({
  id: 'showSession',
  method: 'GET',
  path: '/api/v1/sessions/:session/records',
  summary: 'Returns the records of a session. The reading is recorded.',
  params: { session: sessionName },
  answer: lines(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params }) {
    const found = await reader.find(params.session);
    await recordAccess(recorder, caller, 'show', params.session);
    yield* reader.show(found);
  },
});
