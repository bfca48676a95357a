import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';
import { shownRecord } from '../shown-record.ts';

export const showRecord = endpoint({
  id: 'showRecord',
  method: 'GET',
  path: '/api/v1/records/:log/:index',
  summary: 'Returns one record, by its place in the log. The reading is recorded.',
  params: { log: z.string(), index: wholeNumber('a record is named LOG/INDEX, and the index is a number') },
  answer: lines(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { log, index } }) {
    if (log !== recorder.gatewayId) {
      throw new GatewayError('not_found', `The log ${log} is not kept here; this one is ${recorder.gatewayId}.`);
    }
    const { found, seq } = await reader.locate(index);
    await recordAccess(recorder, caller, `record ${seq}`, found.session);
    yield* reader.show(found, seq);
  },
});
