import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { findOpenedRun, runEnd } from '../runs.ts';

export const endRun = endpoint({
  id: 'endRun',
  method: 'POST',
  path: '/api/v1/runs/:session/end',
  summary: 'Ends a run. A caller that may open the run may end it. A second call changes nothing.',
  callers: 'runs',
  params: { session: sessionName },
  body: jsonBody(z.strictObject({ exitCode: z.int().min(0).max(255).optional().describe('The exit code of its command.') })),
  answer: json(
    z.object({
      ended: z.string(),
      wasOpen: z.boolean().describe('False if an operator, or the end of its credential, had ended the run before.'),
    }),
  ),
  act: async (parts: Pick<ApiParts, 'sessions' | 'refusals'>, { caller, params: { session }, body: { exitCode } }) => {
    const run = await findOpenedRun(parts, session, caller);
    if (run !== null && exitCode !== undefined) {
      run.note('process.exit', { 'process.exit.code': exitCode });
    }
    run?.end(runEnd);
    return { ended: session, wasOpen: run !== null };
  },
});
