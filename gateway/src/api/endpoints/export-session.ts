import { z } from 'zod';
import { bytes } from '../answer.ts';
import { findStamped } from '../../timestamps/stamped-files.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { openWholeReading } from '../readings.ts';

export const exportSession = endpoint({
  id: 'exportSession',
  method: 'GET',
  path: '/api/v1/sessions/:session/bundle',
  summary: 'Returns the bundle that proves a session (docs/formats/bundle.md). The reading is recorded.',
  description: 'For who may read the content of the whole session.',
  callers: 'export',
  params: { session: sessionName },
  query: {
    policies: z.string().optional().describe('With any value, the bundle also has the texts of the policies that decided in the session, with their proofs.'),
    stamped: z
      .string()
      .optional()
      .describe('With any value, its checkpoint is the newest that has a timestamp, which the bundle then has. It must be over all records of the session.'),
  },
  answer: bytes,
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async function* (parts: Pick<ApiParts, 'data' | 'reader' | 'recorder'>, { caller, params: { session }, query }) {
    const policies = query.policies !== undefined;
    const found = await openWholeReading(parts, caller, { act: 'export', what: policies ? 'export with policies' : 'export', session });
    const checkpoint = query.stamped === undefined ? await parts.recorder.publish() : await findStamped(parts.data, null);
    yield* parts.reader.bundle(found, checkpoint, { policies });
  },
});
