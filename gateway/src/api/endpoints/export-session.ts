import { get } from '../endpoint.ts';
import { streamPieces } from '../stream.ts';

/** docs/formats/bundle.md */
export const exportSession = get('/api/sessions/:session/bundle', async ({ api, caller, param }) =>
  streamPieces(api.exportSession(param('session'), caller), caller, 'application/octet-stream'),
);
