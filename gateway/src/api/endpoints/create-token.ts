import { post } from '../endpoint.ts';
import { tokenBody } from '../schemas.ts';
import { summarizeToken } from '../token-summary.ts';

/** The token itself is in this answer and nowhere else. */
export const createToken = post('/api/tokens', tokenBody, async ({ api, caller }, { principal, ttlMs }) => {
  const { token, stored } = await api.createToken(principal, ttlMs, caller);
  return Response.json({ token, ...summarizeToken(stored) }, { status: 201 });
});
