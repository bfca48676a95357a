import { alsoForRuns, post } from '../endpoint.ts';
import { endBody } from '../schemas.ts';

export const endRun = alsoForRuns(
  post('/api/runs/:session/end', endBody, async ({ api, caller, param }, { exitCode }) => {
    const wasOpen = await api.endRun(param('session'), exitCode, caller);
    return Response.json({ ended: param('session'), wasOpen });
  }),
);
