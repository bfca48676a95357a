import { z } from 'zod';
import { json } from '../answer.ts';
import { publicEndpoint } from '../endpoint.ts';

export const getHealth = publicEndpoint({
  id: 'getHealth',
  method: 'GET',
  path: '/healthz',
  summary: 'Says that the process answers requests.',
  answer: json(z.object({ status: z.literal('ok') })),
  act: () => ({ status: 'ok' as const }),
});
