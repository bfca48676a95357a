import { get } from '../endpoint.ts';
import { streamLines } from '../stream.ts';

/** docs/formats/bundle.md */
export const exportSession = get('/api/sessions/:session/bundle', async ({ api, caller, param }) =>
  streamLines(api.exportSession(param('session'), caller), caller, 'application/octet-stream'),
);
