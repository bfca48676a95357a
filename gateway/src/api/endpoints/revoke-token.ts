import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordTokenAct } from '../token-acts.ts';

type Parts = Pick<ApiParts, 'authenticator' | 'recorder' | 'tokens' | 'exclusions'>;

export const revokeToken = endpoint({
  id: 'revokeToken',
  method: 'DELETE',
  path: '/api/v1/tokens/:token',
  summary: 'Revokes a token, ends everything that was opened with it, and withdraws what was granted with it and nobody has used.',
  params: { token: z.string().describe('The id of the token, or its hash in hex.') },
  answer: json(z.object({ revoked: z.string().describe('The id of the token.') })),
  errors: ['not_found'],
  act: async (parts: Parts, { caller, params }) => {
    const { authenticator, recorder } = parts;
    const revoked = await authenticator.revoke(params.token, caller.id);
    if (revoked === null) {
      // The name is left out, because the caller may have sent the token itself.
      throw new GatewayError('not_found', 'There is no such token: countersign token list names them.');
    }
    await recordTokenAct(
      recorder,
      parts,
      { act: 'revoke', token: revoked.id, principal: revoked.principal, timeMs: Date.now(), by: caller.id },
      caller.address,
    );
    return { revoked: revoked.id };
  },
});
