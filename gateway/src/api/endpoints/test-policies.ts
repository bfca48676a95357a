import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { changedFiles, explainedDecision, filesBytesMax } from '../policy-desk.ts';

const casesLengthMax = 1024 * 1024;

export const testPolicies = endpoint({
  id: 'testPolicies',
  method: 'POST',
  path: '/api/v1/policy/test',
  summary: 'Decides cases by policies as they would be with other files, and compares each verdict with the expected one.',
  body: jsonBody(
    z.strictObject({ files: changedFiles, cases: z.string().max(casesLengthMax).describe('Cases in YAML, as `countersign policy test` takes them.') }),
    filesBytesMax,
  ),
  answer: json(
    z
      .array(
        z.object({
          name: z.string(),
          decision: explainedDecision.nullable().describe('Null: the case speaks of what does not exist.'),
          difference: z.string().nullable().describe('The difference from what the case expects; null if it is as expected.'),
        }),
      )
      .readonly(),
  ),
  errors: ['config_invalid'],
  act: async ({ policyDesk }: Pick<ApiParts, 'policyDesk'>, { body: { files, cases }, signal }) => policyDesk.test(files, cases, signal),
});
