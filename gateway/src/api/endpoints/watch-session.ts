import { get } from '../endpoint.ts';
import { ndjson } from '../stream.ts';

/** What was recorded, then what is being recorded, until the session is closed or the reader leaves. */
export const watchSession = get('/api/sessions/:session/watch', async (call) =>
  ndjson(call.api.showSession(call.param('session'), call.caller, call.request.signal), call),
);
