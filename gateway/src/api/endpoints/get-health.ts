import { z } from 'zod';
import { json } from '../answer.ts';
import { publicEndpoint } from '../endpoint.ts';

const health = {
  method: 'GET' as const,
  summary: 'Says that the process answers requests.',
  answer: json(z.object({ status: z.literal('ok') })),
  act: () => ({ status: 'ok' as const }),
};

export const getHealth = publicEndpoint({ ...health, id: 'getHealth', path: '/healthz' });

/** The endpoint `getHealth` at a path of the API. */
export const getApiHealth = publicEndpoint({ ...health, id: 'getApiHealth', path: '/api/health' });
