import { z } from 'zod';
import { answerOf } from '../../domain/approval.ts';
import { json } from '../answer.ts';
import { approvalSummary, ownApproval, sightOf, summarizeApproval } from '../approvals.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const listApprovals = endpoint({
  id: 'listApprovals',
  method: 'GET',
  path: '/api/v1/approvals',
  summary: 'Lists approvals, oldest first: those that the caller may decide on, and what became of its own.',
  description: 'Administrators see all, and the text of those on which they may decide. Who asked for an approval sees its state, and what to do next.',
  callers: 'everybody',
  query: { all: z.string().optional().describe('With any value, the list includes approvals that are over, as far as they are remembered.') },
  answer: json(z.array(z.union([approvalSummary, ownApproval]))),
  act: ({ approvals }: Pick<ApiParts, 'approvals'>, { caller, query: { all } }) =>
    approvals.list().flatMap((view) => {
      const sight = sightOf(caller, view);
      if (sight === 'nothing' || (all === undefined && view.state !== 'waiting' && view.state !== 'granted')) {
        return [];
      }
      return [sight === 'own' ? answerOf(view.approval, view.state) : summarizeApproval(view, sight)];
    }),
});
