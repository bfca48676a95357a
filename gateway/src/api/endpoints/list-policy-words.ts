import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const policyWord = z
  .object({
    kind: z.enum(['annotation', 'action', 'context', 'principal', 'resource', 'entity']),
    text: z.string().describe('As it stands in a policy: `context.effects`, `Target::"orders"`.'),
    meaning: z.string(),
  })
  .meta({ id: 'PolicyWord', description: 'A word of which policies may speak.' });

export const listPolicyWords = endpoint({
  id: 'listPolicyWords',
  method: 'GET',
  path: '/api/v1/policy/words',
  summary: 'Lists the words of which policies may speak here: annotations, actions, facts, and the names of the configuration.',
  answer: json(z.array(policyWord).readonly()),
  act: ({ policyDesk }: Pick<ApiParts, 'policyDesk'>) => policyDesk.words(),
});
