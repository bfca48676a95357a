import { z } from 'zod';
import { attempt } from '../../sessions/attempt.ts';
import { json } from '../answer.ts';
import { approvalSummary, findApproval, granterOf, summarizeApproval } from '../approvals.ts';
import { jsonBody } from '../body.ts';
import { untilRecorded } from '../recorded-acts.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const grantApproval = endpoint({
  id: 'grantApproval',
  method: 'POST',
  path: '/api/v1/approvals/:approval/grant',
  summary: 'Grants an approval for one of its groups. Once all are granted, the request goes on, or may be sent again once.',
  description: 'Neither the requester, nor whom it acts for, nor a run can grant. Each group needs another person.',
  callers: 'everybody',
  params: { approval: z.string() },
  body: jsonBody(z.strictObject({ note: z.string().max(1000).default('') })),
  answer: json(approvalSummary),
  errors: ['not_found', 'conflict'],
  act: async ({ approvals, recorder, refusals }: Pick<ApiParts, 'approvals' | 'recorder' | 'refusals'>, { caller, params, body: { note } }) => {
    const { view } = findApproval(approvals, params.approval, caller);
    const granted = await attempt(refusals, { address: caller.address, protocol: 'api', principal: caller.id }, () => {
      caller.requireFresh('approve');
      return approvals.grant(view.approval, granterOf(caller), note);
    });
    await untilRecorded(recorder);
    return summarizeApproval(granted);
  },
});
