import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { holdSummary, matterName, summarizeHold } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const showHold = endpoint({
  id: 'showHold',
  method: 'GET',
  path: '/api/v1/holds/:matter',
  summary: 'Says what the hold for a matter keeps, who set it, and why.',
  callers: 'hold',
  params: { matter: matterName },
  answer: json(holdSummary),
  errors: ['not_found', 'store_damaged', 'key_unavailable'],
  act: (parts: Pick<ApiParts, 'holds' | 'keys' | 'targets' | 'classNames'>, { params: { matter } }) => summarizeHold(parts, parts.holds.find(matter)),
});
