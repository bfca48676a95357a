import { z } from 'zod';
import { scopeOf } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import { text } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import { isEverything } from '../../query/query.ts';
import type { ApiParts } from '../parts.ts';
import { locateSeen } from '../readings.ts';

export const getReceipt = endpoint({
  id: 'getReceipt',
  method: 'GET',
  path: '/api/v1/receipts/:log/:index',
  summary: 'Returns the proof that a record is in the log: a C2SP tlog-proof.',
  callers: 'facts',
  params: { log: z.string(), index: wholeNumber('a record is named LOG/INDEX, and the index is a number') },
  answer: text(),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { log, index } }) => {
    const { reader, recorder } = parts;
    if (log !== recorder.gatewayId) {
      throw new GatewayError('not_found', `The log ${log} is not kept here; this one is ${recorder.gatewayId}.`);
    }
    if (!isEverything(scopeOf(caller.rights, 'facts'))) {
      await locateSeen(parts, caller, { act: 'facts', index });
    }
    return reader.receipt(index, await recorder.publish());
  },
});
