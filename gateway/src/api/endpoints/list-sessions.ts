import { get } from '../endpoint.ts';
import { ndjson } from '../stream.ts';

/** Oldest first. `?all`: the gateway's own among them. */
export const listSessions = get('/api/sessions', async ({ api, caller, query }) => ndjson(api.listSessions(query.has('all') ? 'all' : 'clients'), caller));
