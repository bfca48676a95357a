import { GatewayError } from '../domain/errors.ts';

const pathLengthMax = 16_384;
const visible = /^[\x21-\x7e]*$/;
/** Characters that mean the same with and without percent encoding (RFC 3986, 2.3). */
const unreserved = /^[A-Za-z0-9._~-]$/;
/** Characters that some servers take for a separator, for the end of a path or for its parent, and other servers do not. */
const ambiguous = /%(?:5c|00|0a|0d|23|3f|25(?:2e|2f|5c))|\\|[#<>"^`{|}]/i;
const encodedSlash = /%2f/i;
/** Matches most paths. Such a path has no query, and only one spelling. No segment of it is empty or begins with a dot. */
const simplePath = /^(?:\/[\w~-][\w.~-]*)+$/;

/**
 * Returns the only spelling of a path and query that is decided on, recorded and sent (ATTACKS A9). Percent encoding of unreserved characters is undone, and
 * the rest of it is in upper case. Throws GatewayError `malformed` for what servers are known to read differently: dot segments, empty segments, encoded
 * separators, matrix parameters after dots. A slash in percent encoding is allowed for targets that take it as a part of a name.
 */
export function normalizePath(raw: string, allowsEncodedSlash = false): string {
  if (raw.length > pathLengthMax) {
    throw new GatewayError('limit_exceeded', `A path and query of more than ${pathLengthMax} characters is not forwarded.`);
  }
  if (simplePath.test(raw)) {
    return raw;
  }
  const at = raw.indexOf('?');
  const path = at === -1 ? raw : raw.slice(0, at);
  const query = at === -1 ? '' : raw.slice(at);
  if (!visible.test(raw) || raw.includes('#')) {
    throw malformed('it holds characters that must be percent-encoded');
  }
  if (ambiguous.test(path) || (encodedSlash.test(path) && !allowsEncodedSlash)) {
    throw malformed('it holds a separator in percent encoding, or a character that no path has');
  }
  const normalized = decodeUnreserved(path);
  if (normalized !== '' && !normalized.startsWith('/')) {
    throw malformed('it does not begin with a slash');
  }
  const segments = normalized.slice(1).split(/\/|%2F/);
  for (const [i, segment] of segments.entries()) {
    const [name] = segment.split(/;|%3B/);
    if (name === '.' || name === '..' || (segment === '' && i < segments.length - 1)) {
      throw malformed('it holds an empty segment or one of dots');
    }
  }
  return `${normalized}${decodeUnreserved(query)}`;
}

/** Matches what may stand in a path with and without percent encoding (RFC 3986, 3.3), except the slash. */
const reserved = /%(?:21|24|2[6-9A-C]|3A|3B|3D|40|5B|5D)/g;

/**
 * Returns a normalised path as it is decided on: nearly all servers read `%3A` as `:`. It is not sent so, because some tell one from the other (S3 takes a plus for
 * a space).
 */
export function plainPath(path: string): string {
  return path.replaceAll(reserved, (encoded) => String.fromCodePoint(Number.parseInt(encoded.slice(1), 16)));
}

function decodeUnreserved(text: string): string {
  return text.replaceAll(/%(?:([\dA-Fa-f]{2})|)/g, (found, hex: string | undefined) => {
    if (hex === undefined) {
      throw malformed('a percent sign is not followed by two hex digits');
    }
    const character = String.fromCodePoint(Number.parseInt(hex, 16));
    return unreserved.test(character) ? character : found.toUpperCase();
  });
}

function malformed(what: string): GatewayError {
  return new GatewayError('malformed', `This path is not forwarded because servers read it differently: ${what}.`);
}
