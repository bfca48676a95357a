import { get } from '../endpoint.ts';
import { streamPieces } from '../stream.ts';

/** docs/formats/bundle.md */
export const exportSession = get('/api/sessions/:session/bundle', async (call) =>
  streamPieces(call.api.exportSession(call.param('session'), call.caller), call, 'application/octet-stream'),
);
