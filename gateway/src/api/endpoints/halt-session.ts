import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import type { ApiParts } from '../parts.ts';

const haltedSession = z
  .object({
    halted: z.string(),
    token: z
      .string()
      .nullable()
      .describe('The id of the token that came with it and still opens sessions; null where it ended with the session, as that of a run does.'),
  })
  .meta({ id: 'HaltedSession' });

export type HaltedSession = z.output<typeof haltedSession>;

export const haltSession = endpoint({
  id: 'haltSession',
  method: 'POST',
  path: '/api/sessions/:session/halt',
  summary: 'Ends a session, with who did it and why in the record.',
  params: { session: sessionName },
  body: jsonBody(z.strictObject({ reason: z.string().max(1000).default('') })),
  answer: json(haltedSession),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async ({ sessions, reader }: Pick<ApiParts, 'sessions' | 'reader'>, { caller, params, body: { reason } }) => {
    const session = sessions.find(params.session);
    if (session === null) {
      const known = await reader.find(params.session);
      throw new GatewayError('conflict', `Session ${known.session} is closed already.`);
    }
    const words = reason === '' ? 'The session was halted by an operator.' : `The session was halted by an operator: ${reason}`;
    session.end({ reason: 'halted', error: new GatewayError('halted', words), facts: { by: caller.id, address: caller.address, reason } });
    return { halted: session.id, token: session.lastingToken };
  },
});
