import { GatewayError } from '../../domain/errors.ts';
import { del } from '../endpoint.ts';

export const revokeToken = del('/api/tokens/:token', async ({ api, caller, param }) => {
  if (!(await api.revokeToken(param('token'), caller))) {
    throw new GatewayError('not_found', `There is no token ${param('token')}: countersign token list names them.`);
  }
  return Response.json({ revoked: param('token') });
});
