import { tokenIn } from '../exchange/token-header.ts';
import { jwtCharactersMax } from '../domain/jwt-form.ts';
import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest } from '../exchange/exchange.ts';

/** A longer token is cut, and refused because it is too long. */
const tokenCharactersMax = jwtCharactersMax + 1;

/**
 * Returns the token that a request presents; empty if there is none. A browser sends a cookie with the requests of every page: if a console's cookie is to be
 * accepted, that belongs here, with a check that the page is the console's own. Throws GatewayError `refused` as `checkOrigin` does.
 */
export function credentialOf(request: NodeRequest): string {
  checkOrigin(request);
  return tokenIn(request.headers.authorization ?? '').slice(0, tokenCharactersMax);
}

/** Refuses requests that a web page caused, because no answer of the API is for web pages. Throws GatewayError `refused`. */
export function checkOrigin({ headers }: NodeRequest): void {
  if (headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}
