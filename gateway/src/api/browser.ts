import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest } from '../exchange/exchange.ts';

const ivBytes = 12;
const tagBytes = 16;
const cookieCharactersMax = 4_000;

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
  const isOwn = headers.origin === undefined ? from === 'same-origin' || (isReading && (from === 'none' || from === undefined)) : headers.origin === origin;
  if (!isOwn || (from !== undefined && from !== 'same-origin' && !(from === 'none' && isReading))) {
    throw new GatewayError('refused', 'A sign-in of a browser counts only for pages of this gateway.');
  }
}

/** Seals what a browser keeps for the gateway. Only the process that sealed it opens it. */
export class Sealer {
  readonly #key = randomBytes(32);

  seal(content: unknown): string {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    return Buffer.concat([iv, cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** Returns what was sealed; null if this is not as it was sealed. */
  open(sealed: string): unknown {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < ivBytes + tagBytes) {
      return null;
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]).toString());
    } catch {
      return null;
    }
  }
}
