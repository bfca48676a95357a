import { GatewayError } from '../../domain/errors.ts';
import { get } from '../endpoint.ts';
import { streamPieces } from '../stream.ts';

/** What was recorded as it is: `?bytes=A-B` of a record and of the parts that continue it, both included, the first is 0; `?bytes=A-` up to the last. */
export const readBytes = get('/api/sessions/:session/records/:record/bytes', async (call) => {
  const { api, caller, param, query } = call;
  const [, from, to] = /^(\d{1,15})-(\d{0,15})$/.exec(query.get('bytes') ?? '') ?? [];
  const record = param('record');
  if (from === undefined || !/^\d{1,15}$/.test(record) || (to !== '' && Number(to) < Number(from))) {
    throw new GatewayError('malformed', 'A record is a number, and bytes are A-B, or A- for all from A on: both are included, and the first is 0.');
  }
  const range = { record: Number(record), from: Number(from), to: to === '' ? null : Number(to) };
  return streamPieces(api.readBytes(param('session'), range, caller), call, 'application/octet-stream');
});
