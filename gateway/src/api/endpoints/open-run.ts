import { post } from '../endpoint.ts';
import { runBody } from '../schemas.ts';

/** Opens a session for a command, with a token that speaks only inside it. */
export const openRun = post('/api/runs', runBody, async ({ api, caller }, body) => Response.json(await api.openRun(body, caller), { status: 201 }));
