import { sightOf } from '../../access/rights.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { recordPlace } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { locateSeen, requireLog } from '../readings.ts';
import { recordAccess } from '../recorded-acts.ts';
import { recordTrace } from '../record-trace.ts';

export const traceRecord = endpoint({
  id: 'traceRecord',
  method: 'GET',
  path: '/api/v1/records/:log/:index/trace',
  summary: 'Follows the values of a record both ways, and what it was made for and what was made for it. The reading of each session is recorded.',
  description: 'Values themselves are nowhere: they have a class and a print. Only records that the caller sees are read.',
  callers: 'facts',
  params: recordPlace,
  answer: lines(recordTrace),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { log, index } }) {
    const { reader, recorder } = parts;
    requireLog(recorder, log);
    const { found, seq } = await locateSeen(parts, caller, { act: 'facts', index });
    const { sessions, line } = await reader.trace(found, seq, sightOf(caller.rights, 'facts'));
    for (const session of sessions) {
      const what = `trace of record ${seq}${session === found.session ? '' : ` of ${found.session}`}`;
      await recordAccess(recorder, caller, { what, act: 'facts', session });
    }
    yield line;
  },
});
