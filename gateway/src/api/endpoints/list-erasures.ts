import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { summarizeWaiting, waitingErasure } from '../erasures.ts';
import type { ApiParts } from '../parts.ts';

export const listErasures = endpoint({
  id: 'listErasures',
  method: 'GET',
  path: '/api/v1/erasures',
  summary: 'Lists the erasures that wait for a second person, and those that one has confirmed and that are being carried out, the oldest first.',
  callers: 'erase',
  answer: json(z.array(waitingErasure)),
  act: ({ waitingErasures }: Pick<ApiParts, 'waitingErasures'>) => waitingErasures.list().map(summarizeWaiting),
});
