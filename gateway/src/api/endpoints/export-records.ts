import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { nothing } from '../../query/query.ts';
import { readQuery } from '../../search/read-query.ts';
import { plainForms } from '../../reader/export-lines.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';

const lengthMax = 4096;
const attested = 'ocsf-attested';

const lastEvent = z.object({ attestation_list: z.tuple([z.object({ uid: z.string(), fingerprint: z.object({ value: z.string() }) })]) });

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
      .enum([...plainForms, attested])
      .default('rows')
      .describe(
        '`ocsf`: events of OCSF 1.8. `ocsf-attested`: events of OCSF 1.9, each with the fingerprint of itself and of the one before it; the last fingerprint is recorded. `otlp`: a request of OTLP with one log record each. `rows`: records as a search finds them, with their text.',
      ),
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
    const index = await recordAccess(recorder, caller, { what: 'export', act: 'export', session: null, more: asked });
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
    if (form !== attested) {
      yield* reader.export(wanted, form, signal);
      return;
    }
    let last: Uint8Array | null = null;
    for await (const piece of reader.export(wanted, { log: recorder.gatewayId, access: index }, signal)) {
      last = piece;
      yield piece;
    }
    if (!signal.aborted) {
      const attributes = {
        'user.id': caller.id,
        'client.address': caller.address,
        [ownAttributes.exportChain]: `${recorder.gatewayId}/${index}`,
        ...endOf(last),
      };
      await recordOwnDecision(recorder, { action: 'gateway.complete_export', verdict: 'allow', attributes });
    }
  },
});

/** Returns how many events a chain has and the fingerprint of the last one, from the last piece of its lines. */
function endOf(piece: Uint8Array | null): Attributes {
  const line = piece === null ? undefined : Buffer.from(piece).toString().trimEnd().split('\n').at(-1);
  if (line === undefined) {
    return { [ownAttributes.exportEvents]: 0 };
  }
  const { uid, fingerprint } = lastEvent.parse(JSON.parse(line)).attestation_list[0];
  return { [ownAttributes.exportEvents]: Number(/#(\d+)\./.exec(uid)?.[1]) + 1, [ownAttributes.exportFingerprint]: fingerprint.value };
}
