import { isIP } from 'node:net';
import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest } from '../exchange/exchange.ts';
import type { PasskeySite } from '../identity/passkey-ceremonies.ts';
import type { ApiParts } from './parts.ts';
import { siteOf } from './browser.ts';

const advice = 'set identity.browser.url to the address at which browsers reach the gateway, or use http://localhost:PORT on its own machine.';

/**
 * Returns the place for which passkeys of this gateway are made: that of the configuration, or this machine. The name in a request is not believed. Throws
 * GatewayError `unsupported` if there is none.
 */
export function passkeySite(request: NodeRequest, configured: string | null): PasskeySite {
  const { origin } = siteOf(request, configured);
  const { hostname: rpId } = new URL(origin);
  if (!isPlace(rpId, configured)) {
    throw new GatewayError('unsupported', `Passkeys are not for this address: ${advice}`);
  }
  return { origin, rpId };
}

/** Returns where the passkeys of a page are used: on it, or on the same page at another name of this machine. Null: nowhere, because the gateway has no name for browsers. */
export function placeOfPasskeys(request: NodeRequest, configured: string | null): 'here' | { readonly at: string } | null {
  const page = new URL(request.url ?? '/', siteOf(request, configured).origin);
  if (configured === null && ['127.0.0.1', '[::1]'].includes(page.hostname)) {
    page.hostname = 'localhost';
    return { at: page.href };
  }
  return isPlace(page.hostname, configured) ? 'here' : null;
}

/** Browsers make passkeys for names alone. */
function isPlace(hostname: string, configured: string | null): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && (configured !== null || hostname === 'localhost');
}

/** Returns the link with which somebody registers a passkey. Its secret is behind the #, so that no server and no log sees it. */
export function passkeyLink(parts: OriginParts, secret: string): string {
  return `${gatewayOrigin(parts)}/passkey#${secret}`;
}

type OriginParts = Pick<ApiParts, 'browser' | 'addresses' | 'isEncrypted'>;

/** Returns where browsers reach the gateway: the address of the configuration, or this machine. */
export function gatewayOrigin({ browser, addresses, isEncrypted }: OriginParts): string {
  const port = addresses()['http']?.split(':').at(-1) ?? '';
  return browser().url ?? `${isEncrypted ? 'https' : 'http'}://localhost:${port}`;
}
