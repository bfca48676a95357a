import { tokenIn } from '../exchange/token-header.ts';
import { jwtCharactersMax } from '../domain/jwt-form.ts';
import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest } from '../exchange/exchange.ts';
import type { BrowserCredential } from '../identity/browser-sessions.ts';
import { checkOwnPage, cookieOf, siteOf } from './browser.ts';
import type { ApiParts } from './parts.ts';

/** A longer token is cut, and refused because it is too long. */
const tokenCharactersMax = jwtCharactersMax + 1;

/**
 * Finds the token that a request presents, empty if there is none, or else the one of the browser that sends a cookie, if a page of the gateway asks. Rejects with
 * GatewayError `refused` if another page asks, `unauthenticated` if the session of the browser has ended, and `issuer_unreachable`.
 */
export async function credentialOf(
  { browser, browserSessions }: Pick<ApiParts, 'browser' | 'browserSessions'>,
  request: NodeRequest,
): Promise<BrowserCredential | { readonly token: string }> {
  const site = siteOf(request, browser().url);
  const id = request.headers.authorization === undefined ? cookieOf(request, site, 'countersign') : null;
  if (id === null) {
    checkOrigin(request);
    return { token: tokenIn(request.headers.authorization ?? '').slice(0, tokenCharactersMax) };
  }
  checkOwnPage(request, site);
  return browserSessions.find(id);
}

/** Refuses requests that a web page caused, because no answer of the API is for web pages. Throws GatewayError `refused`. */
export function checkOrigin({ headers }: NodeRequest): void {
  if (headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}
