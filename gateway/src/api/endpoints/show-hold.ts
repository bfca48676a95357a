import { noHold } from '../../retention/holds.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { holdFor, holdSummary, matterName } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

export const showHold = endpoint({
  id: 'showHold',
  method: 'GET',
  path: '/api/v1/holds/:matter',
  summary: 'Says what the hold for a matter keeps, who set it, and why.',
  description: 'Who sets no holds gets one of which they may read the record, without what is kept.',
  callers: 'keepers',
  params: { matter: matterName },
  answer: json(holdSummary),
  errors: ['not_found', 'store_damaged', 'key_unavailable'],
  act: (parts: Pick<ApiParts, 'holds' | 'keys' | 'targets' | 'classNames'>, { caller, params: { matter } }) => {
    const hold = holdFor(parts, caller, parts.holds.find(matter));
    if (hold === null) {
      throw noHold(matter);
    }
    return hold;
  },
});
