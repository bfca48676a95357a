import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const showPolicy = endpoint({
  id: 'showPolicy',
  method: 'GET',
  path: '/api/v1/policy',
  summary: 'Returns the policies in force, the grants included, as text in Cedar.',
  answer: json(
    z.object({
      version: z.string().describe('Every decision names it.'),
      text: z.string(),
      refused: z.string().nullable().describe('Why the files as they are now are not in force; null if they are.'),
    }),
  ),
  act: ({ policy, refused }: Pick<ApiParts, 'policy' | 'refused'>) => {
    const { version, text } = policy();
    return { version, text, refused: refused() };
  },
});
