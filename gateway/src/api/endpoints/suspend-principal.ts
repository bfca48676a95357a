import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { requireKnownPrincipal } from '../known-principal.ts';
import type { ApiParts } from '../parts.ts';
import { recordSuspension } from '../suspensions.ts';

type Parts = Pick<ApiParts, 'authenticator' | 'recorder' | 'exclusions' | 'principals' | 'issuers'>;

export const suspendPrincipal = endpoint({
  id: 'suspendPrincipal',
  method: 'POST',
  path: '/api/v1/principals/:principal/suspend',
  summary:
    'Suspends a principal: ends everything that it opened or that was opened on its behalf, withdraws what it granted and nobody has used, and accepts its tokens no more until it is resumed.',
  params: { principal: z.string().max(256) },
  body: jsonBody(z.strictObject({ reason: z.string().max(1000).default('') })),
  answer: json(z.object({ suspended: z.string().describe('The id of the principal.') })),
  errors: ['unknown_principal', 'conflict'],
  act: async (parts: Parts, { caller, params: { principal }, body: { reason } }) => {
    const { authenticator, recorder, exclusions } = parts;
    requireKnownPrincipal(parts, principal);
    const suspension = await authenticator.suspend(principal, caller.id, reason);
    if (suspension === null) {
      throw new GatewayError('conflict', `${principal} is suspended already.`);
    }
    await recordSuspension(recorder, exclusions, suspension, caller.address);
    return { suspended: principal };
  },
});
