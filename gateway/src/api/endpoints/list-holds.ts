import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { holdSummary, summarizeHold } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const listHolds = endpoint({
  id: 'listHolds',
  method: 'GET',
  path: '/api/v1/holds',
  summary: 'Lists the holds that are in force, the oldest first.',
  callers: 'hold',
  answer: json(z.array(holdSummary)),
  errors: ['store_damaged', 'key_unavailable'],
  act: (parts: Pick<ApiParts, 'holds' | 'keys' | 'targets' | 'classNames'>) => parts.holds.list().map((hold) => summarizeHold(parts, hold)),
});
