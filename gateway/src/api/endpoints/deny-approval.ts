import { z } from 'zod';
import { attempt } from '../../sessions/attempt.ts';
import { json } from '../answer.ts';
import { approvalSummary, findApproval, granterOf, summarizeApproval } from '../approvals.ts';
import { jsonBody } from '../body.ts';
import { untilRecorded } from '../recorded-acts.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const denyApproval = endpoint({
  id: 'denyApproval',
  method: 'POST',
  path: '/api/v1/approvals/:approval/deny',
  summary: 'Denies an approval, or takes back one that is granted and was not used. The one who asked is told the reason.',
  description: 'The same people as for granting may deny, and one of them is enough.',
  callers: 'everybody',
  params: { approval: z.string() },
  body: jsonBody(z.strictObject({ reason: z.string().min(1, 'the one who asked is told the reason').max(1000) })),
  answer: json(approvalSummary),
  errors: ['not_found', 'conflict'],
  act: async ({ approvals, recorder, refusals }: Pick<ApiParts, 'approvals' | 'recorder' | 'refusals'>, { caller, params, body: { reason } }) => {
    const { view } = findApproval(approvals, params.approval, caller);
    const denied = await attempt(refusals, { address: caller.address, protocol: 'api', principal: caller.id }, () => {
      caller.requireFresh('approve');
      return approvals.deny(view.approval, granterOf(caller), reason);
    });
    await untilRecorded(recorder);
    return summarizeApproval(denied);
  },
});
