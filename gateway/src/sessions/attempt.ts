import { GatewayError } from '../domain/errors.ts';
import { looksLikeJwt } from '../domain/jwt-form.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import type { Identity } from '../domain/principal.ts';
import type { Authenticator, ShownToken } from '../identity/authenticator.ts';
import type { Refusal, Refusals } from './refusals.ts';

/**
 * Returns the identity of a token, of the gateway or of an issuer. `advice` is a sentence, with a space before it, that says what to do instead. Rejects with
 * GatewayError `unauthenticated`, `issuer_unreachable`, `cannot_record`, or one that begins with `store_`.
 */
export async function identify(authenticator: Authenticator, shown: ShownToken, advice = ''): Promise<Identity> {
  const outcome = looksLikeJwt(shown.token) ? await authenticator.authenticateIssued(shown) : await authenticator.authenticate(shown.token);
  if ('refused' in outcome) {
    throw new GatewayError('unauthenticated', `${outcome.refused}.${advice}`);
  }
  return outcome.identity;
}

/** Returns the identity of a certificate. Throws GatewayError `unauthenticated`. */
export function identifyByCertificate(authenticator: Authenticator, certificate: ShownCertificate): Identity {
  const outcome = authenticator.authenticateCertificate(certificate);
  if ('refused' in outcome) {
    throw new GatewayError('unauthenticated', `${outcome.refused}.`);
  }
  return outcome.identity;
}

/**
 * Runs an attempt of a client, of a protocol or of the API, to be admitted. A refusal is recorded with address and reason, and a guess is slowed down, before
 * the client is told. Rejects with the errors of the attempt, and with GatewayError `throttled` or `cannot_record`.
 */
export async function attempt<Outcome>(refusals: Refusals, who: Omit<Refusal, 'error'>, act: () => Outcome | Promise<Outcome>): Promise<Outcome> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof GatewayError && error.code !== 'cannot_record') {
      return await refusals.refuse({ ...who, error });
    }
    throw error;
  }
}
