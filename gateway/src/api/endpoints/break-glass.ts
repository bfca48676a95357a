import { z } from 'zod';
import { answerOf } from '../../domain/approval.ts';
import { attempt } from '../../sessions/attempt.ts';
import { json } from '../answer.ts';
import { findApproval, granterOf, ownApproval } from '../approvals.ts';
import { jsonBody } from '../body.ts';
import { untilRecorded } from '../recorded-acts.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const breakGlass = endpoint({
  id: 'breakGlass',
  method: 'POST',
  path: '/api/v1/approvals/:approval/break',
  summary: 'Lets a request of the caller go on without its approval, in an emergency, where policy says so: @breakglass.',
  description: 'Only the person who asked, as a member of the groups that policy names. It is recorded, and raises an alert.',
  callers: 'everybody',
  params: { approval: z.string() },
  body: jsonBody(z.strictObject({ reason: z.string().min(1, 'a reason is expected').max(1000) })),
  answer: json(ownApproval),
  errors: ['not_found', 'conflict'],
  act: async ({ approvals, recorder, refusals }: Pick<ApiParts, 'approvals' | 'recorder' | 'refusals'>, { caller, params, body: { reason } }) => {
    const { view } = findApproval(approvals, params.approval, caller);
    const broken = await attempt(refusals, { address: caller.address, protocol: 'api', principal: caller.id }, () => {
      caller.requireFresh('approve');
      return approvals.breakGlass(view.approval, granterOf(caller), reason);
    });
    await untilRecorded(recorder);
    return answerOf(broken.approval, broken.state);
  },
});
