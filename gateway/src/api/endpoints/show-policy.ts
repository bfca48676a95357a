import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const showPolicy = endpoint({
  id: 'showPolicy',
  method: 'GET',
  path: '/api/policy',
  summary: 'Returns the policies in force, the grants included, as text in Cedar.',
  answer: json(z.object({ version: z.string().describe('Every decision names it.'), text: z.string() })),
  act: ({ policy }: Pick<ApiParts, 'policy'>) => {
    const { version, text } = policy();
    return { version, text };
  },
});
