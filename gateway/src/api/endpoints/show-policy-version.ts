import { z } from 'zod';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { shownRecord } from '../shown-record.ts';

export const showPolicyVersion = endpoint({
  id: 'showPolicyVersion',
  method: 'GET',
  path: '/api/v1/policy/versions/:version',
  summary: 'Returns the record of a version of the policies, with their text.',
  params: { version: z.string().describe('The version, as a decision names it.') },
  answer: lines(shownRecord),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* ({ reader }: Pick<ApiParts, 'reader'>, { params: { version } }) {
    const { found, seq } = await reader.locatePolicy(version);
    yield* reader.show(found, seq);
  },
});
