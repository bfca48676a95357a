import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import type { MessageRange } from '../../recording/message-bytes.ts';
import { bytes } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName, wholeNumber } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { openWholeReading } from '../readings.ts';

const range = /^(\d{1,15})-(\d{0,15})$/;
const expected = 'bytes are A-B, or A- for all from A on: both are included, and the first is 0';

export const readBytes = endpoint({
  id: 'readBytes',
  method: 'GET',
  path: '/api/v1/sessions/:session/records/:record/bytes',
  summary: 'Returns bytes of a record, and of the records that continue it, as they were recorded. The reading is recorded.',
  description: 'For who may read the content of the whole session.',
  callers: 'content',
  params: { session: sessionName, record: wholeNumber('a record is a number').describe('The `seq` of the record.') },
  query: { bytes: z.string(expected).regex(range, expected).describe('`A-B` includes both ends and counts from 0; `A-` reaches to the last byte.') },
  answer: bytes,
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { session, record }, query }) {
    const { from, to } = parseRange(query.bytes);
    const found = await openWholeReading(parts, caller, { act: 'content', what: `bytes ${from}-${to ?? ''} of record ${record}`, session });
    yield* parts.reader.bytes(found, { record, from, to });
  },
});

function parseRange(text: string): Omit<MessageRange, 'record'> {
  const [, from, last] = range.exec(text) ?? [];
  const to = last === '' ? null : Number(last);
  if (to !== null && to < Number(from)) {
    throw new GatewayError('malformed', expected);
  }
  return { from: Number(from), to };
}
