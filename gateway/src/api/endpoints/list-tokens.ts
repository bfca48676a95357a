import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf, paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';
import { summarizeToken, tokenSummary } from '../token-summary.ts';

export const listTokens = endpoint({
  id: 'listTokens',
  method: 'GET',
  path: '/api/v1/tokens',
  summary: 'Lists tokens, oldest first, without those of runs.',
  query: paging,
  answer: json(z.array(tokenSummary)),
  errors: ['not_found'],
  act: async ({ tokens, exclusions }: Pick<ApiParts, 'tokens' | 'exclusions'>, { query }) =>
    pageOf(await tokens.list(), query, ({ id }) => id).map((token) => summarizeToken(token, exclusions.revokedMs(token.id))),
});
