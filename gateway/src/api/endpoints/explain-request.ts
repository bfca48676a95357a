import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { changedFiles, explainedDecision, filesBytesMax } from '../policy-desk.ts';

/** A value of a case, or of its `context` or `session`. */
const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

export const explainRequest = endpoint({
  id: 'explainRequest',
  method: 'POST',
  path: '/api/v1/policy/explain',
  summary: 'Decides one request by policies as they would be with other files, and names those that determine the verdict, with their texts. Nothing is done.',
  body: jsonBody(
    z.strictObject({
      files: changedFiles,
      request: z
        .record(z.string(), z.union([value, z.record(z.string(), value)]))
        .describe('A case as `countersign policy test` takes it: `principal`, `target`, `action`, `text` and others.'),
    }),
    filesBytesMax,
  ),
  answer: json(explainedDecision),
  errors: ['config_invalid', 'malformed'],
  act: async ({ policyDesk }: Pick<ApiParts, 'policyDesk'>, { body: { files, request }, signal }) => policyDesk.explain(files, request, signal),
});
