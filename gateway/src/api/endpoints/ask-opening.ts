import { z } from 'zod';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { keepOpening, openingSummary } from '../openings.ts';
import type { ApiParts } from '../parts.ts';
import { findSeen } from '../readings.ts';

const sessionId = z.string().regex(/^[0-9a-f]{32}$/, 'the id of a session is 32 hex digits');

export const askOpening = endpoint({
  id: 'askOpening',
  method: 'POST',
  path: '/api/v1/openings',
  summary: 'Asks for the content of a session that nobody reads alone. A second person grants it. This is recorded.',
  callers: 'content',
  body: jsonBody(z.strictObject({ session: sessionId, reason: z.string().min(1, 'a reason is expected').max(1000) })),
  answer: json(openingSummary, 201),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder' | 'openings'>, { caller, body: { session, reason } }) => {
    await findSeen(parts, caller, { act: 'content', what: 'ask for content', session, seen: caller.contentOfTwo });
    return keepOpening(parts, caller, parts.openings.ask(session, caller, reason), reason);
  },
});
