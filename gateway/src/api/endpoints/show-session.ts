import { get } from '../endpoint.ts';
import { ndjson } from '../stream.ts';

export const showSession = get('/api/sessions/:session/records', async (call) => ndjson(call.api.showSession(call.param('session'), call.caller, null), call));
