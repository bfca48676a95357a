import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { changedFiles, filesBytesMax, placedProblem, problemsOf } from '../policy-desk.ts';

export const checkPolicies = endpoint({
  id: 'checkPolicies',
  method: 'POST',
  path: '/api/v1/policy/check',
  summary: 'Says what is wrong, or odd, with policies as they would be with other files. Nothing is put into force.',
  body: jsonBody(z.strictObject({ files: changedFiles }), filesBytesMax),
  answer: json(
    z.object({
      files: z.int(),
      policies: z.int(),
      problems: z.array(placedProblem).readonly().describe('Faults for which they would not be put into force.'),
      conflicts: z.array(placedProblem).readonly().describe('Policies that do no harm and can never do what they are written for.'),
      warnings: z.array(placedProblem).readonly().describe('What is odd and may be meant.'),
    }),
  ),
  errors: ['config_invalid'],
  act: async ({ policyDesk }: Pick<ApiParts, 'policyDesk'>, { body, signal }) => {
    const { files, policies, problems, conflicts, warnings } = await policyDesk.check(body.files, signal);
    return { files, policies, problems: problemsOf(problems), conflicts: problemsOf(conflicts), warnings: problemsOf(warnings) };
  },
});
