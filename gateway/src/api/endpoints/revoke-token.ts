import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { endToken, type TokenParts } from '../token-acts.ts';

export const revokeToken = endpoint({
  id: 'revokeToken',
  method: 'DELETE',
  path: '/api/v1/tokens/:token',
  summary: 'Revokes a token, ends everything that was opened with it, and withdraws what was granted with it and nobody has used.',
  params: { token: z.string().describe('The id of the token, or its hash in hex.') },
  answer: json(z.object({ revoked: z.string().describe('The id of the token.') })),
  errors: ['not_found'],
  act: async (parts: TokenParts, { caller, params }) => {
    const revoked = await endToken(parts, params.token, caller);
    if (revoked === null) {
      // The name is left out, because the caller may have sent the token itself.
      throw new GatewayError('not_found', 'There is no such token: countersign token list names them.');
    }
    return { revoked: revoked.id };
  },
});
