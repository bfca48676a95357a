import { GatewayError } from '../../domain/errors.ts';
import { jwtCharactersMax } from '../../domain/jwt-form.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { LogoutToken } from '../../identity/issuers.ts';
import { attempt } from '../../sessions/attempt.ts';
import { readBytes } from '../body.ts';
import { recordDeparture } from '../departure-records.ts';
import type { OpenCall, OpenRoute } from '../open-route.ts';
import type { ApiParts } from '../parts.ts';

const bodyBytesMax = jwtCharactersMax + 1_024;

/** Ends sign-ins at an issuer, as the issuer says by a logout token: https://openid.net/specs/openid-connect-backchannel-1_0.html */
export const endSignIns: OpenRoute = {
  method: 'POST',
  path: '/api/v1/logout/:issuer',
  handle: async (parts, call) => {
    const headers = { 'cache-control': 'no-store' };
    try {
      const logout = await attempt(parts.refusals, { address: call.address, protocol: 'api' }, async () => findLogout(parts, call));
      await parts.departures.signOut(logout);
      const { issuer, subject, signIn } = logout;
      await recordDeparture(parts.recorder, {
        action: 'gateway.end_sign_ins',
        attributes: {
          'user.id': `issuer:${issuer}`,
          'client.address': call.address,
          [ownAttributes.issuer]: parts.issuers().get(issuer)?.url ?? issuer,
          ...(subject === null ? {} : { [ownAttributes.subject]: subject }),
          ...(signIn === null ? {} : { [ownAttributes.signIn]: signIn }),
        },
      });
      parts.departures.remember(logout);
      return new Response(null, { status: 200, headers });
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'unauthenticated') {
        return Response.json({ error: 'invalid_request', error_description: error.message }, { status: 400, headers });
      }
      throw error;
    }
  },
};

/** Finds what a request ends. Rejects with GatewayError `unauthenticated`, `not_found`, `limit_exceeded` or `issuer_unreachable`. */
async function findLogout({ issuers, verifyLogout, departures }: ApiParts, { request, params }: OpenCall): Promise<LogoutToken> {
  const issuer = issuers().get(params['issuer'] ?? '');
  if (issuer === undefined) {
    throw new GatewayError('not_found', 'There is no issuer of this name.');
  }
  const token = new URLSearchParams((await readBytes(request, bodyBytesMax)).toString()).get('logout_token') ?? '';
  const outcome = await verifyLogout(issuer, token);
  const refused = 'refused' in outcome ? outcome.refused : departures.isKnown(outcome.logout) ? 'it came before (jti)' : null;
  if (refused !== null || 'refused' in outcome) {
    throw new GatewayError('unauthenticated', `The logout token is not accepted: ${refused}.`);
  }
  return outcome.logout;
}
