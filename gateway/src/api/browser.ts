import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest } from '../exchange/exchange.ts';

const cookieCharactersMax = 4_000;

const pageForm = /^\/[\x21-\x5b\x5d-\x7e]{0,1000}$/;

/** Throws GatewayError `malformed` for an address that is no page of this gateway: one of another host, or what a browser takes for one, or a page of a target. */
export function checkReturn(page: string): void {
  // A browser goes to the path without its dots.
  const paths = pageForm.test(page) ? [page, URL.parse(page, 'http://localhost')?.pathname ?? '//'] : ['//'];
  if (paths.some((path) => /^\/(?:t\/|\/)/.test(path))) {
    throw new GatewayError('malformed', 'return: a page of this gateway is expected, as /console.');
  }
}

/** How pages reach this gateway. */
export interface Site {
  /** `https://gateway.corp.example`, without a path. */
  readonly origin: string;
  readonly isEncrypted: boolean;
}

/** Returns how the page of a request reached the gateway: by the address of the configuration, or else by the one that the browser names. */
export function siteOf({ headers, socket }: NodeRequest, configured: string | null): Site {
  const host = headers[':authority'] ?? headers.host ?? '';
  const origin = configured ?? `${'encrypted' in socket ? 'https' : 'http'}://${typeof host === 'string' && /^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}`;
  return { origin, isEncrypted: origin.startsWith('https://') };
}

/** A cookie of the gateway. Under TLS its name has it bound to this host alone (`__Host-`, RFC 6265bis). */
export interface Cookie {
  readonly name: 'countersign' | 'countersign-sign-in';
  readonly value: string;
  /** `Strict`: only pages of the gateway send it. `Lax`: a link or a redirect from elsewhere sends it too. */
  readonly sameSite: 'Strict' | 'Lax';
  /** 0 removes it. */
  readonly maxAgeSeconds: number;
}

export function formatCookie({ isEncrypted }: Site, { name, value, sameSite, maxAgeSeconds }: Cookie): string {
  const [prefix, secure] = isEncrypted ? ['__Host-', '; Secure'] : ['', ''];
  return `${prefix}${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}${secure}`;
}

/** Returns the value of a cookie of the gateway; null if the request has none, or several. */
export function cookieOf({ headers }: NodeRequest, { isEncrypted }: Site, name: Cookie['name']): string | null {
  const wanted = `${isEncrypted ? '__Host-' : ''}${name}=`;
  const [value = null, ...others] = (headers.cookie ?? '')
    .split(/; */)
    .filter((pair) => pair.startsWith(wanted))
    .map((pair) => pair.slice(wanted.length));
  return others.length === 0 && value !== null && value.length <= cookieCharactersMax ? value : null;
}

/**
 * Refuses a request with a cookie that another page caused than one of this gateway. Browsers send a cookie with what any page asks for, and say which page it was
 * (Fetch Metadata, Origin). Throws GatewayError `refused`.
 */
export function checkOwnPage({ headers, method = '' }: NodeRequest, { origin }: Site): void {
  const from = headers['sec-fetch-site'];
  const isReading = method === 'GET' || method === 'HEAD';
  const isOwn = from === 'same-origin' || (from === 'none' && isReading);
  if (!isOwn || (headers.origin !== undefined && headers.origin !== origin)) {
    throw new GatewayError('refused', 'A sign-in of a browser counts only for pages of this gateway, in browsers that say which page asks (Sec-Fetch-Site).');
  }
}
