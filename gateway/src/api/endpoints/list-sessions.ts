import { get } from '../endpoint.ts';
import { ndjson } from '../stream.ts';

/** Oldest first. */
export const listSessions = get('/api/sessions', ({ api }) => ndjson(api.listSessions()));
