import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { holdFor, holdSummary } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const listHolds = endpoint({
  id: 'listHolds',
  method: 'GET',
  path: '/api/v1/holds',
  summary: 'Lists the holds that are in force, the oldest first.',
  description: 'Who sets no holds gets those of which they may read the record, without what is kept.',
  callers: 'keepers',
  answer: json(z.array(holdSummary)),
  errors: ['store_damaged', 'key_unavailable'],
  act: (parts: Pick<ApiParts, 'holds' | 'keys' | 'targets' | 'classNames'>, { caller }) =>
    parts.holds.list().flatMap((hold) => holdFor(parts, caller, hold) ?? []),
});
