import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { holdReason, matterName, personOf, requirePerson } from '../holds.ts';
import type { ApiParts } from '../parts.ts';

const released = z.object({ matter: z.string(), released: z.literal(true) });

export type ReleasedHold = z.output<typeof released>;

export const releaseHold = endpoint({
  id: 'releaseHold',
  method: 'POST',
  path: '/api/v1/holds/:matter/release',
  summary: 'Releases a hold, as another person than the one who set it: what nothing else keeps any more is gone for good. This is recorded.',
  callers: 'hold',
  params: { matter: matterName },
  body: jsonBody(z.strictObject({ reason: holdReason })),
  answer: json(released),
  errors: ['not_found', 'catching_up', 'store_damaged', 'key_unavailable'],
  act: async ({ holds }: Pick<ApiParts, 'holds'>, { caller, params: { matter }, body: { reason } }) => {
    requirePerson(caller, 'releases a hold');
    await holds.release(personOf(caller), { matter, reason });
    return { matter, released: true } satisfies ReleasedHold;
  },
});
