import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordReview } from '../reviews.ts';

export const signReview = endpoint({
  id: 'signReview',
  method: 'POST',
  path: '/api/v1/reviews/:session/sign',
  summary: 'Signs that the caller, a person who may read all of its content, has reviewed a session that has ended and is none of its own. This is recorded.',
  callers: 'content',
  params: { session: sessionName },
  body: jsonBody(z.strictObject({ note: z.string().min(1, 'a note says what was found').max(1000) })),
  answer: json(z.object({ session: z.string() })),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder'>, { caller, params: { session }, body: { note } }) => {
    await recordReview(parts, caller, { session, note });
    return { session };
  },
});
