import { GatewayError } from '../../domain/errors.ts';
import { del } from '../endpoint.ts';

export const revokeToken = del('/api/tokens/:token', async ({ api, caller, param }) => {
  const revoked = await api.revokeToken(param('token'), caller);
  if (revoked === null) {
    // Without the name: whoever asks may have given the token itself.
    throw new GatewayError('not_found', 'There is no such token: countersign token list names them.');
  }
  return Response.json({ revoked });
});
