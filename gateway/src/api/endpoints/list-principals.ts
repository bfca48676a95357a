import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf, paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';

const principal = z
  .object({
    id: z.string(),
    kind: z.enum(['human', 'agent']),
    groups: z.array(z.string()).readonly(),
    targets: z.array(z.string()).readonly().describe('The names of the targets that the principal may use.'),
  })
  .meta({ id: 'Principal', description: 'A human or agent that may use the gateway.' });

export const listPrincipals = endpoint({
  id: 'listPrincipals',
  method: 'GET',
  path: '/api/principals',
  summary: 'Lists principals, in the order of the configuration.',
  query: paging,
  answer: json(z.array(principal)),
  errors: ['not_found'],
  act: ({ principals }: Pick<ApiParts, 'principals'>, { query }) => pageOf([...principals().values()], query, ({ id }) => id),
});
