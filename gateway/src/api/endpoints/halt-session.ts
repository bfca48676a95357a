import { post } from '../endpoint.ts';
import { haltBody } from '../schemas.ts';

export const haltSession = post('/api/sessions/:session/halt', haltBody, async ({ api, caller, param }, { reason }) => {
  return Response.json(await api.haltSession(param('session'), caller, reason));
});
