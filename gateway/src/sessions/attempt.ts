import { GatewayError } from '../domain/errors.ts';
import type { Identity } from '../domain/principal.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { Refusal, Refusals } from './refusals.ts';

/** Whom a token speaks for. `advice` is a sentence, with a space before it, on what to do instead. Errors: `unauthenticated`. */
export function identify(authenticator: Authenticator, token: string, advice = ''): Identity {
  const outcome = authenticator.authenticate(token);
  if ('refused' in outcome) {
    throw new GatewayError('unauthenticated', `${outcome.refused}.${advice}`);
  }
  return outcome.identity;
}

/**
 * Runs an attempt to come in, of a client of a protocol or of the API. When it is refused, address and reason are in the record, and a guess has cost its time,
 * before whoever attempted it is told. Errors: those of the attempt; also `throttled`, `cannot_record`.
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
