import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { policyHistory, policyHistoryQuery, type PolicyVersion } from '../policy-history.ts';

const limitMax = 500;

const policyVersion = z
  .object({
    version: z.string(),
    time: z.iso.datetime().describe('When it came into force.'),
    record: z.string().describe('`LOG/INDEX` of its record, which has the text.'),
    how: z
      .enum(['saved', 'applied', 'files'])
      .describe('`saved` over the API; `applied` by a command; `files`: they were changed in the directory, or before a start.'),
    by: z.string().nullable().describe('Who did it; null if nobody is known who did.'),
    file: z.string().nullable().describe('The file that was saved.'),
    changes: z.string().nullable().describe('The number of policies, and those that were removed, added and changed; null if only grants were.'),
  } satisfies Record<keyof PolicyVersion, z.ZodType>)
  .meta({ id: 'PolicyVersion', description: 'A version of the policies that was put into force.' });

export const listPolicyVersions = endpoint({
  id: 'listPolicyVersions',
  method: 'GET',
  path: '/api/v1/policy/versions',
  summary: 'Lists the versions of the policies, the newest first, with who put each into force.',
  query: { limit: wholeNumber(`a number from 1 to ${limitMax} is expected`, { min: 1, max: limitMax }).default(100).describe('Most versions of the answer.') },
  answer: json(z.array(policyVersion).readonly()),
  errors: ['catching_up', 'store_damaged'],
  act: async ({ reader, recorder }: Pick<ApiParts, 'reader' | 'recorder'>, { query: { limit } }) =>
    policyHistory(reader.verified(policyHistoryQuery, Date.now(), await recorder.publish()), limit),
});
