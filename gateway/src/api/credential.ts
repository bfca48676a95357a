import { tokenIn } from '../exchange/authorization.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ClientRequest } from '../exchange/exchange.ts';

const tokenCharactersMax = 256;

/**
 * The token that a request shows; empty where it shows none. A browser adds a cookie by itself, whichever page asks: whatever is to accept the cookie of a console
 * belongs here, behind a check that the page is the console's own. Errors: as `checkOrigin`.
 */
export function credentialOf(request: ClientRequest): string {
  checkOrigin(request);
  return tokenIn(request.headers.authorization ?? '').slice(0, tokenCharactersMax);
}

/** No answer of the API is for web pages. Errors: `refused`. */
export function checkOrigin({ headers }: ClientRequest): void {
  if (headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}
