import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { locateSeen } from '../readings.ts';
import { recordAccess } from '../recorded-acts.ts';
import { shownRecord } from '../shown-record.ts';

export const showRecord = endpoint({
  id: 'showRecord',
  method: 'GET',
  path: '/api/v1/records/:log/:index',
  summary: 'Returns one record, by its place in the log. The reading is recorded.',
  callers: 'facts',
  params: { log: z.string(), index: wholeNumber('a record is named LOG/INDEX, and the index is a number') },
  answer: lines(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { log, index } }) {
    const { reader, recorder } = parts;
    if (log !== recorder.gatewayId) {
      throw new GatewayError('not_found', `The log ${log} is not kept here; this one is ${recorder.gatewayId}.`);
    }
    const { found, seq } = await locateSeen(parts, caller, { act: 'facts', index });
    await recordAccess(recorder, caller, { what: `record ${seq}`, act: 'facts', session: found.session });
    yield* reader.show(found, seq, sightOf(caller.rights, 'facts'));
  },
});
