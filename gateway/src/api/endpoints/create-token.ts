import { z } from 'zod';
import type { TokenAct } from '../../store/tokens.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { principalName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordTokenAct } from '../token-acts.ts';
import { summarizeToken, tokenSummary } from '../token-summary.ts';

export const createToken = endpoint({
  id: 'createToken',
  method: 'POST',
  path: '/api/v1/tokens',
  summary: 'Creates a token. Only this answer contains it.',
  body: jsonBody(
    z.strictObject({
      principal: principalName,
      ttlMs: z.number().positive().optional().describe('How long the token is valid, in milliseconds: by default a day, at most 366 days.'),
    }),
  ),
  answer: json(tokenSummary.extend({ token: z.string() }).meta({ id: 'NewToken', description: 'A token that was just made.' }), 201),
  errors: ['unknown_principal', 'refused'],
  act: async ({ authenticator, recorder, tokens }: Pick<ApiParts, 'authenticator' | 'recorder' | 'tokens'>, { caller, body: { principal, ttlMs } }) => {
    const { token, stored } = authenticator.create(principal, { unrecordedBy: caller.id, ...(ttlMs === undefined ? {} : { ttlMs }) });
    const act: TokenAct = { act: 'create', token: stored.id, principal, timeMs: stored.createdMs, by: caller.id };
    await recordTokenAct(recorder, tokens, act, caller.address);
    return { token, ...summarizeToken(stored) };
  },
});
