import { z } from 'zod';
import { acts } from '../../domain/recording-acts.ts';
import { GatewayError } from '../../domain/errors.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { actEverBeyond, actNowBeyond, mayBeSecond } from '../held-rights.ts';
import { principalName } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { recordTokenAct, type TokenAct } from '../token-acts.ts';
import { summarizeToken, tokenSummary } from '../token-summary.ts';

export const createToken = endpoint({
  id: 'createToken',
  method: 'POST',
  path: '/api/v1/tokens',
  summary: 'Creates a token. Only this answer contains it.',
  description:
    'Not for a principal who may do more with recordings than the caller, now or at another time, from here or elsewhere; nor for another person who may approve, read content, hold or erase, but by the operator.',
  body: jsonBody(
    z.strictObject({
      principal: principalName,
      ttlMs: z.number().positive().optional().describe('How long the token is valid, in milliseconds: by default a day, at most 366 days.'),
    }),
  ),
  answer: json(tokenSummary.extend({ token: z.string() }).meta({ id: 'NewToken', description: 'A token that was just made.' }), 201),
  errors: ['unknown_principal', 'refused'],
  act: async (
    parts: Pick<ApiParts, 'authenticator' | 'recorder' | 'tokens' | 'exclusions' | 'principals' | 'roles' | 'policy' | 'guardedClasses' | 'refusals'>,
    { caller, body: { principal, ttlMs } },
  ) => {
    const { authenticator, recorder, principals, refusals } = parts;
    const known = principals().get(principal);
    const beyond = known === undefined ? null : (actNowBeyond(parts, known, caller) ?? actEverBeyond(parts, known, caller));
    const isSecond = known !== undefined && caller.standing !== null && caller.id !== principal && mayBeSecond(parts, known, caller.address);
    if (beyond !== null || isSecond) {
      const words =
        beyond === null
          ? `${caller.id} may not make a token for ${principal}, for whoever holds it is a second person, where one is needed for approvals, content, holds and erasures: that needs the operator.`
          : `${caller.id} may not make a token for ${principal}, who may ${acts[beyond]}: that needs somebody who may do so with the same records, or the operator.`;
      return refusals.refuse({
        address: caller.address,
        protocol: 'api',
        principal: caller.id,
        error: new GatewayError('refused', words),
      });
    }
    const { token, stored } = await authenticator.create(principal, { unrecordedBy: caller.id, ...(ttlMs === undefined ? {} : { ttlMs }) });
    const act: TokenAct = { act: 'create', token: stored.id, principal, timeMs: stored.createdMs, by: caller.id };
    await recordTokenAct(recorder, parts, act, caller.address);
    return { token, ...summarizeToken(stored, null) };
  },
});
