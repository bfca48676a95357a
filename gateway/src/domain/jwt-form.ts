/** Most characters of a JWT that is read. */
export const jwtCharactersMax = 12_288;

/** Three parts in base64url, of which the first begins like a JSON object. The last one, the signature, is empty if there is none. */
const form = /^ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** True if a text has the form of a signed JWT (RFC 7519, RFC 7515). Nothing else of it is tested. */
export function looksLikeJwt(text: string): boolean {
  return form.test(text);
}
