import { alsoForRuns, post } from '../endpoint.ts';
import { runBody } from '../schemas.ts';

/** Opens a session for a command, with a token that speaks only inside it. A run that asks gets a run inside itself. */
export const openRun = alsoForRuns(
  post('/api/runs', runBody, async ({ api, caller }, body) => Response.json(await api.openRun(body, caller), { status: 201 })),
);
