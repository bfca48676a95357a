import { readBytes } from '../body.ts';
import { alsoForRuns, upload } from '../endpoint.ts';
import { parseOutputStream } from '../schemas.ts';

/** A piece of what the command of a run printed. Answered when it is recorded: whoever sent it may show it then. */
export const recordOutput = alsoForRuns(
  upload('/api/runs/:session/output/:stream', async ({ api, caller, param, request }) => {
    const stream = parseOutputStream(param('stream'));
    await api.recordOutput(param('session'), { stream, bytes: await readBytes(request) }, caller);
    return Response.json({ recorded: true });
  }),
);
