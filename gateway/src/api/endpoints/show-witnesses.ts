import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const time = z.string().nullable();

const witnessStatus = z
  .object({
    quorum: z.string().nullable().describe('The witness or group of the policy whose cosignatures are needed. Null: none are, or no witnesses are configured.'),
    cosigned: z
      .object({ records: z.int(), time: z.string() })
      .nullable()
      .describe('The newest checkpoint that the quorum has cosigned since the start, and when that was. Null: there was none.'),
    records: z.int().describe('How many records the newest published checkpoint has.'),
    witnesses: z.array(
      z.object({
        witness: z.string().describe('Its name in the policy.'),
        url: z.string(),
        state: z
          .enum(['asked', 'cosigning', 'failing', 'ahead', 'forked'])
          .describe('`ahead`: it has cosigned more records of this log than there are. `forked`: it has cosigned another history of it.'),
        since: z.string().describe('Since when it is in this state.'),
        why: z.string().describe('Why it does not cosign. Empty if it does.'),
        records: z.int().nullable().describe('How many records it has cosigned last, as it says.'),
        cosigned: time.describe('The time of its newest cosignature, by its clock.'),
      }),
    ),
  })
  .meta({ id: 'WitnessStatus', description: 'What the witnesses have cosigned of the log.' });

export type WitnessStatus = z.output<typeof witnessStatus>;

export const showWitnesses = endpoint({
  id: 'showWitnesses',
  method: 'GET',
  path: '/api/v1/witnesses',
  summary: 'Says what the witnesses have cosigned of the log, and which of them do not.',
  callers: 'auditors',
  answer: json(witnessStatus),
  act: ({ cosigning, recorder }: Pick<ApiParts, 'cosigning' | 'recorder'>): WitnessStatus => {
    const { quorum, cosigned, witnesses } = cosigning?.status ?? { quorum: null, cosigned: null, witnesses: [] };
    return {
      quorum,
      cosigned: cosigned === null ? null : { records: cosigned.size, time: new Date(cosigned.atMs).toISOString() },
      records: Math.max(0, recorder.published.size),
      witnesses: witnesses.map(({ name, url, state, sinceMs, why, size, cosignedMs }) => ({
        witness: name,
        url,
        state,
        since: new Date(sinceMs).toISOString(),
        why,
        records: size,
        cosigned: cosignedMs === null ? null : new Date(cosignedMs).toISOString(),
      })),
    };
  },
});
