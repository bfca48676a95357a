import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { summarizeToken, tokenSummary } from '../token-summary.ts';

export const listTokens = endpoint({
  id: 'listTokens',
  method: 'GET',
  path: '/api/tokens',
  summary: 'Lists tokens, oldest first; not those of runs.',
  answer: json(z.array(tokenSummary)),
  act: async ({ tokens }: Pick<ApiParts, 'tokens'>) => (await tokens.list()).map(summarizeToken),
});
