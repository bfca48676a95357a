import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const principal = z
  .object({
    id: z.string(),
    kind: z.enum(['human', 'agent']),
    groups: z.array(z.string()).readonly(),
    targets: z.array(z.string()).readonly().describe('Names of the targets that it was granted.'),
  })
  .meta({ id: 'Principal', description: 'Who may come in.' });

export const listPrincipals = endpoint({
  id: 'listPrincipals',
  method: 'GET',
  path: '/api/principals',
  summary: 'Lists principals, in the order of the configuration.',
  answer: json(z.array(principal)),
  act: ({ principals }: Pick<ApiParts, 'principals'>) => [...principals().values()],
});
