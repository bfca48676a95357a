import { alsoForEverybody, get } from '../endpoint.ts';

/** Whether the token that asks gets to a target: what `connect` and the bridges ask before they say that they are there. */
export const checkConnection = alsoForEverybody(
  get('/api/connect/:target', async ({ api, caller, param }) => Response.json(await api.checkConnection(param('target'), caller))),
);
