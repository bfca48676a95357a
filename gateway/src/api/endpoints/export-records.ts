import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import { nothing } from '../../query/query.ts';
import { readQuery } from '../../search/read-query.ts';
import { exportForms } from '../../reader/export-lines.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';

const lengthMax = 4096;

export const exportRecords = endpoint({
  id: 'exportRecords',
  method: 'GET',
  path: '/api/v1/export',
  summary: 'Exports the records for which a query holds, the oldest first, one JSON object a line. The export is recorded.',
  description: 'Each record is opened and compared with its leaf and with the query. Records that the caller may not export leave no trace in the answer.',
  callers: 'export',
  query: {
    query: z.string().max(lengthMax).default('').describe('The records, in the language of searches. Empty: every record.'),
    since: z.string().max(lengthMax).optional().describe('Only records from this time on, or of this age: `2026-11-29`, `90d`.'),
    until: z.string().max(lengthMax).optional().describe('Only records up to this time.'),
    form: z
      .enum(exportForms)
      .default('rows')
      .describe('`ocsf`: events of OCSF 1.8. `otlp`: a request of OTLP with one log record each. `rows`: records as a search finds them, with their text.'),
    from: wholeNumber('the index of a record is expected', { min: 0, max: Number.MAX_SAFE_INTEGER })
      .default(0)
      .describe('Only records from this index of the log on: that after the last one that came before.'),
    follow: z.string().optional().describe('With any value, the answer goes on with what is recorded.'),
    facts: z.string().optional().describe('With any value, it has no content.'),
  },
  answer: lines(z.looseObject({})),
  errors: ['limit_exceeded', 'catching_up', 'store_damaged'],
  act: async function* ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { caller, query: asked, signal }) {
    const { query, since, until, form, from, follow, facts } = asked;
    await recordAccess(recorder, caller, { what: 'export', act: 'export', session: null, more: asked });
    const sight = sightOf(caller.rights, 'export');
    const wanted = {
      query,
      besides: [...(since === undefined ? [] : [`since:${since}`]), ...(until === undefined ? [] : [`until:${until}`])],
      nowMs: Date.now(),
      checkpoint: await recorder.publish(),
      from,
      follows: follow !== undefined,
      sight: facts === undefined ? sight : { ...sight, content: nothing },
    };
    if (wanted.follows) {
      // A query that cannot be read has a status of its own. Otherwise the answer begins before there is anything to say.
      [query, ...wanted.besides].forEach((text) => readQuery(text, wanted.nowMs));
      yield new Uint8Array();
    }
    yield* reader.export(wanted, form, signal);
  },
});
