import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const timestampStatus = z
  .object({
    authority: z.string().nullable().describe('Where the authority of timestamps is asked. Null: none is configured.'),
    stamped: z
      .object({ records: z.int(), time: z.string() })
      .nullable()
      .describe('The newest checkpoint that was stamped, and when, by the clock of the gateway. Null: there is none.'),
    records: z.int().describe('How many records the newest published checkpoint has.'),
    failure: z.string().nullable().describe('Why there was no timestamp when the authority was asked last. Null: there was one, or nobody was asked yet.'),
  })
  .meta({ id: 'TimestampStatus', description: 'Which checkpoint of the log an authority of timestamps has stamped.' });

export type TimestampStatus = z.output<typeof timestampStatus>;

export const showTimestamps = endpoint({
  id: 'showTimestamps',
  method: 'GET',
  path: '/api/v1/timestamps',
  summary: 'Says which checkpoint of the log the authority of timestamps has stamped, and why it does not where it does not.',
  callers: 'auditors',
  answer: json(timestampStatus),
  act: ({ timestamping, recorder }: Pick<ApiParts, 'timestamping' | 'recorder'>): TimestampStatus => {
    const { url, stamped, failure } = timestamping?.status ?? { url: null, stamped: null, failure: null };
    return {
      authority: url,
      stamped: stamped === null ? null : { records: stamped.size, time: new Date(stamped.atMs).toISOString() },
      records: Math.max(0, recorder.published.size),
      failure,
    };
  },
});
