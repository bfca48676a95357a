import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const resumePrincipal = endpoint({
  id: 'resumePrincipal',
  method: 'POST',
  path: '/api/v1/principals/:principal/resume',
  summary: 'Ends the suspension of a principal: its tokens are accepted again.',
  params: { principal: z.string().max(256) },
  body: jsonBody(z.strictObject({ reason: z.string().max(1000).default('') })),
  answer: json(z.object({ resumed: z.string().describe('The id of the principal.') })),
  errors: ['conflict'],
  act: async (
    { recorder, authenticator, exclusions }: Pick<ApiParts, 'recorder' | 'authenticator' | 'exclusions'>,
    { caller, params: { principal }, body: { reason } },
  ) => {
    if (exclusions.suspension(principal) === null) {
      throw new GatewayError('conflict', `${principal.slice(0, 64)} is not suspended.`);
    }
    // It is recorded first, so that nobody comes in again without a record that says who let them.
    await recordOwnDecision(recorder, {
      action: 'gateway.resume_principal',
      verdict: 'allow',
      ...(reason === '' ? {} : { reason }),
      attributes: { 'user.id': caller.id, 'client.address': caller.address, [ownAttributes.principal]: principal },
    });
    await authenticator.resume(principal, caller.id);
    return { resumed: principal };
  },
});
