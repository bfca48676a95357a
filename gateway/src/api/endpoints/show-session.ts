import { get } from '../endpoint.ts';
import { ndjson } from '../stream.ts';

export const showSession = get('/api/sessions/:session/records', async ({ api, caller, param }) =>
  ndjson(api.showSession(param('session'), caller, null), caller),
);
