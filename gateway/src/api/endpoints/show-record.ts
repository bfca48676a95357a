import { sightOf } from '../../access/rights.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { recordPlace } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { locateSeen, requireLog } from '../readings.ts';
import { recordAccess } from '../recorded-acts.ts';
import { shownRecord } from '../shown-record.ts';

export const showRecord = endpoint({
  id: 'showRecord',
  method: 'GET',
  path: '/api/v1/records/:log/:index',
  summary: 'Returns one record, by its place in the log. The reading is recorded.',
  callers: 'facts',
  params: recordPlace,
  answer: lines(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { log, index } }) {
    const { reader, recorder } = parts;
    requireLog(recorder, log);
    const { found, seq } = await locateSeen(parts, caller, { act: 'facts', index });
    await recordAccess(recorder, caller, { what: `record ${seq}`, act: 'facts', session: found.session });
    yield* reader.show(found, seq, sightOf(caller.rights, 'facts'));
  },
});
