import { looksLikeJwt } from '../domain/jwt-form.ts';

const tokenForm = /^cs_[A-Za-z0-9_-]{1,200}$/;

/**
 * The headers of a 401, which say how to send a token. Clients that only know Basic (git, Java) send none before they are asked.
 * https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export const challenges = [
  ['www-authenticate', 'Bearer realm="countersign"'],
  ['www-authenticate', 'Basic realm="countersign", charset="UTF-8"'],
] as const;

/** True if a text has the form of a token of the gateway. The checksum is not tested, so a mistyped token is not forwarded to a target either. */
export function looksLikeOwnToken(text: string): boolean {
  return tokenForm.test(text);
}

/** True if a text has the form of a token of the gateway, or of an issuer. */
export function looksLikeToken(text: string): boolean {
  return looksLikeOwnToken(text) || looksLikeJwt(text);
}

/**
 * Returns the token in a header with credentials. It stands alone, or as `Bearer TOKEN`, or as the password of Basic with any user name. `curl -u TOKEN:` sends
 * it as the user name.
 */
export function tokenIn(value: string): string {
  const [, scheme = '', rest = ''] = /^(bearer|basic) +(\S+) *$/i.exec(value) ?? [];
  if (scheme === '') {
    return value.trim();
  }
  if (scheme.toLowerCase() === 'bearer') {
    return rest;
  }
  const plain = Buffer.from(rest, 'base64').toString('latin1');
  const at = plain.indexOf(':');
  const user = at === -1 ? plain : plain.slice(0, at);
  const password = at === -1 ? '' : plain.slice(at + 1);
  return password === '' || (!looksLikeToken(password) && looksLikeToken(user)) ? user : password;
}
