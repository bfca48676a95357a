import { z } from 'zod';
import { scopeOf } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import { saidWords } from '../../domain/said-words.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { sessionName } from '../input.ts';
import { isEverything } from '../../query/query.ts';
import type { ApiParts } from '../parts.ts';
import { findSeen } from '../readings.ts';

const haltedSession = z
  .object({
    halted: z.string(),
    token: z
      .string()
      .nullable()
      .describe(
        'The id of the token of the session if it is still valid and can open other sessions; null if it ended with the session, like the token of a run.',
      ),
  })
  .meta({ id: 'HaltedSession' });

export type HaltedSession = z.output<typeof haltedSession>;

export const haltSession = endpoint({
  id: 'haltSession',
  method: 'POST',
  path: '/api/v1/sessions/:session/halt',
  summary: 'Ends a session. Who did it and why is recorded.',
  callers: 'halt',
  params: { session: sessionName },
  body: jsonBody(z.strictObject({ reason: z.string().max(1000).default('') })),
  answer: json(haltedSession),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'sessions' | 'reader' | 'recorder'>, { caller, params, body: { reason } }) => {
    const scope = scopeOf(caller.rights, 'halt');
    const session = parts.sessions.find(params.session);
    if (session === null || !isEverything(scope)) {
      await findSeen(parts, caller, { act: 'halt', what: 'halt', session: params.session, seen: scope });
    }
    if (session === null) {
      throw new GatewayError('conflict', `Session ${params.session} is closed already.`);
    }
    const words = reason === '' ? 'The session was halted by an operator.' : `The session was halted by an operator: ${saidWords(reason)}`;
    session.end({ reason: 'halted', error: new GatewayError('halted', words), facts: { by: caller.id, address: caller.address, reason } });
    return { halted: session.id, token: session.lastingToken };
  },
});
