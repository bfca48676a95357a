import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { bytesBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { findOpenedRun } from '../runs.ts';

const pieceBytesMax = 256 * 1024;

export const recordOutput = endpoint({
  id: 'recordOutput',
  method: 'POST',
  path: '/api/v1/runs/:session/output/:stream',
  summary: 'Records a piece of the output that the command of a run prints. The sender may show the piece once this is answered.',
  callers: 'runs',
  params: { session: sessionName, stream: z.enum(['stdout', 'stderr'], 'output is recorded of stdout and stderr') },
  body: bytesBody(pieceBytesMax),
  answer: json(z.object({ recorded: z.literal(true) })),
  errors: ['not_found', 'conflict', 'stopping', 'halted'],
  act: async (parts: Pick<ApiParts, 'sessions' | 'refusals' | 'outputs'>, { caller, params: { session, stream }, body }) => {
    const run = await findOpenedRun(parts, session, caller);
    const output = run === null ? undefined : parts.outputs.get(run);
    if (output === undefined) {
      throw new GatewayError('conflict', 'The run has ended, or was not opened to record its output.');
    }
    await output.record(stream, body);
    return { recorded: true } as const;
  },
});
