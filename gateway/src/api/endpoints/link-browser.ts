import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { tokenIn } from '../../exchange/token-header.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import type { Caller } from '../caller.ts';
import { endpoint } from '../endpoint.ts';
import { principalName } from '../input.ts';
import { gatewayOrigin } from '../passkey-site.ts';
import type { ApiParts } from '../parts.ts';
import { recordTokenAct, type TokenParts } from '../token-acts.ts';

type Parts = TokenParts & Pick<ApiParts, 'addresses' | 'browser' | 'isEncrypted' | 'links'>;

export const linkBrowser = endpoint({
  id: 'linkBrowser',
  method: 'POST',
  path: '/api/v1/sign-in/link',
  summary: 'Makes a link with which a browser is signed in as the caller, once, within a minute. Only this answer contains it.',
  description: 'The operator, who is no principal, names one, for which a token is made. Not for runs, nor for who is signed in with a browser already.',
  callers: 'everybody',
  body: jsonBody(z.strictObject({ principal: principalName.optional().describe('Only the operator names one.') })),
  answer: json(z.object({ principal: z.string(), link: z.string().describe('The address of the page on which it is used.'), expires: z.iso.datetime() }), 201),
  errors: ['refused', 'unknown_principal', 'cannot_record'],
  act: async (parts: Parts, { caller, body: { principal }, request }) => {
    const signedIn = caller.standing === null ? await asOperator(parts, caller, principal) : asCaller(caller, principal, request);
    const { secret, expiresMs } = parts.links.make(signedIn.principal, signedIn.token);
    return { principal: signedIn.principal, link: `${gatewayOrigin(parts)}/sign-in#${secret}`, expires: new Date(expiresMs).toISOString() };
  },
});

interface Holder {
  readonly principal: string;
  readonly token: string;
}

/** Makes a token for a principal that the operator names. It lives as long as the session of a browser may. */
async function asOperator(parts: Parts, { id, address }: Caller, principal: string | undefined): Promise<Holder> {
  if (principal === undefined) {
    throw new GatewayError('malformed', 'Say who signs in, as countersign console NAME: the operator is no principal.');
  }
  const { token, stored } = await parts.authenticator.create(principal, { ttlMs: parts.browser().ageMs, unrecordedBy: id });
  await recordTokenAct(parts.recorder, parts, { act: 'create', token: stored.id, principal, timeMs: stored.createdMs, by: id }, address);
  return { principal, token };
}

/** Returns the token that the caller shows. Throws GatewayError `refused` or `malformed`. */
function asCaller({ id, identity, browser }: Caller, principal: string | undefined, request: Request): Holder {
  if (identity?.session !== undefined || browser !== undefined) {
    throw new GatewayError('refused', 'Only who shows a token of its own signs a browser in: no run, and no other browser.');
  }
  if (principal !== undefined && principal !== id) {
    throw new GatewayError('refused', `${id} signs nobody else in.`);
  }
  return { principal: id, token: tokenIn(request.headers.get('authorization') ?? '') };
}
