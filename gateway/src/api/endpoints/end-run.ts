import { post } from '../endpoint.ts';
import { nothing } from '../schemas.ts';

export const endRun = post('/api/runs/:session/end', nothing, ({ api, param }) => {
  api.endRun(param('session'));
  return Response.json({ ended: param('session') });
});
