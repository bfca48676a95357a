import { z } from 'zod';
import { noOpening } from '../../access/openings.ts';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { keepOpening, openingSummary } from '../openings.ts';
import type { ApiParts } from '../parts.ts';
import { hasAny } from '../readings.ts';
import { recordAccess } from '../recorded-acts.ts';

/** The id of no session. */
const nowhere = '0'.repeat(32);

export const grantOpening = endpoint({
  id: 'grantOpening',
  method: 'POST',
  path: '/api/v1/openings/:opening/grant',
  summary: 'Opens the content of a session for an hour to the one who asks, as far as the caller may read it: as the second person. This is recorded.',
  callers: 'content',
  params: { opening: z.string().max(100) },
  body: jsonBody(z.strictObject({ note: z.string().max(1000).default('') })),
  answer: json(openingSummary),
  errors: ['not_found', 'conflict', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'reader' | 'recorder' | 'openings'>, { caller, params: { opening }, body: { note } }) => {
    if (caller.standing !== null && caller.standing.principal.kind !== 'human') {
      throw new GatewayError('refused', 'Only a person opens content.');
    }
    const known = parts.openings.list().find(({ id }) => id === opening);
    // One of a session that the caller does not see takes the same way as one that there is not.
    if (!(await hasAny(parts, known?.session ?? nowhere, caller.contentOfTwo))) {
      await recordAccess(parts.recorder, caller, { what: `open content: ${opening}`, act: 'content', session: null, more: { refused: 'not_found' } });
      throw noOpening();
    }
    return keepOpening(parts, caller, parts.openings.grant(opening, caller, caller.contentOfTwo), note);
  },
});
