import { looksLikeOwnToken, looksLikeToken, tokenIn } from './token-header.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Headers } from './reading.ts';

/** The headers that are only for the next hop (RFC 9110, 7.6.1), except `connection` itself. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]);
/** Headers that tell a server where a request comes from, and the gateway's own. The client's are not passed on. */
const internal = /^(?:host|via|forwarded|x-forwarded-.*|x-real-ip|countersign-.*)$/;
/** The headers in which clients send their token. The last one is the session token of AWS, for clients that only know AWS keys. */
const credentials: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'x-amz-security-token']);
/** A cookie that browsers have for the gateway itself, or one without a name that they send like it. No target sees or sets one. */
const ownCookie = /^[\s=]*(?:__Host-)?countersign(?:-sign-in)?\s*=/i;
/** Headers with which an answer says something to browsers about all of the gateway's pages: its cookies would be removed, and other targets would be asked differently. */
const ofOrigin: ReadonlySet<string> = new Set(['clear-site-data', 'strict-transport-security', 'service-worker-allowed']);
const headersMax = 256;
const basicScheme = /^basic/i;
const concealedLengthMin = 8;
const none: ReadonlySet<string> = new Set();

/**
 * Pairs names and values of headers. Names are in lower case and in order; pseudo-headers of HTTP/2 are left out, and pieces of a cookie joined (RFC 9113,
 * 8.2.3). `raw` is Node's list of names and values in turn. Throws GatewayError `limit_exceeded`.
 */
export function pairHeaders(raw: readonly string[]): Headers {
  if (raw.length > 2 * headersMax) {
    throw new GatewayError('limit_exceeded', `More than ${headersMax} header lines are not forwarded.`);
  }
  const pairs: [string, string][] = [];
  let cookie: [string, string] | null = null;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const pair: [string, string] = [(raw[i] ?? '').toLowerCase(), raw[i + 1] ?? ''];
    const [name, value] = pair;
    if (name === 'cookie' && cookie !== null) {
      cookie[1] += `; ${value}`;
    } else if (!name.startsWith(':')) {
      cookie = name === 'cookie' ? pair : cookie;
      pairs.push(pair);
    }
  }
  return pairs;
}

/** A client that opens a WebSocket and cannot set a header offers its token as a subprotocol, after this prefix. */
const tokenProtocol = 'openai-insecure-api-key.';

/**
 * Returns the client's token for the gateway from the headers or from `found`; empty if there is none. A JWT beside a token of the gateway is taken for one that the
 * client has for something else. Throws GatewayError `malformed` if there are two different tokens.
 */
export function readToken(headers: Headers, found: readonly string[] = []): string {
  let own = '';
  let jwt = '';
  let isAmbiguous = false;
  const take = (shown: string): void => {
    if (looksLikeOwnToken(shown)) {
      isAmbiguous ||= own !== '' && shown !== own;
      own = shown;
    } else if (looksLikeToken(shown)) {
      isAmbiguous ||= own === '' && jwt !== '' && shown !== jwt;
      jwt = shown;
    }
  };
  found.forEach(take);
  for (const [name, value] of headers) {
    if (credentials.has(name)) {
      take(tokenIn(value));
    } else if (name === 'sec-websocket-protocol') {
      for (const offered of offeredProtocols(value)) {
        if (offered.startsWith(tokenProtocol)) {
          take(offered.slice(tokenProtocol.length));
        }
      }
    }
  }
  if (isAmbiguous) {
    throw new GatewayError('malformed', 'Two different tokens came in one request: give one.');
  }
  return own === '' ? jwt : own;
}

function offeredProtocols(value: string): string[] {
  return value.split(',').map((name) => name.trim());
}

/** Removes each query parameter of this name whose value is a token. Returns the remaining path and the tokens. */
export function takeTokens(path: string, parameter: string): { readonly path: string; readonly tokens: readonly string[] } {
  const at = path.indexOf('?');
  if (at < 0) {
    return { path, tokens: [] };
  }
  const tokens: string[] = [];
  const kept = path
    .slice(at + 1)
    .split('&')
    .filter((pair) => {
      const value = pair.startsWith(`${parameter}=`) ? pair.slice(parameter.length + 1) : '';
      if (looksLikeToken(value)) {
        tokens.push(value);
      }
      return !looksLikeToken(value);
    });
  return tokens.length === 0 ? { path, tokens } : { path: kept.length === 0 ? path.slice(0, at) : `${path.slice(0, at)}?${kept.join('&')}`, tokens };
}

/**
 * Refuses requests that a page of another origin caused: a browser that asked for a token once sends it as Basic with the requests of any page. Throws
 * GatewayError `refused`.
 */
export function assertNoForeignPage(headers: Headers, host: string): void {
  if (!headers.some(([name, value]) => name === 'authorization' && basicScheme.test(value))) {
    return;
  }
  const valuesOf = (wanted: string): string[] => headers.flatMap(([name, value]) => (name === wanted ? [value.toLowerCase()] : []));
  const isForeign =
    valuesOf('origin').some((origin) => origin.replace(/^https?:\/\//, '') !== host.toLowerCase()) ||
    valuesOf('sec-fetch-site').some((site) => site !== 'same-origin' && site !== 'none');
  if (isForeign) {
    throw new GatewayError('refused', 'A token is not taken as Basic from a page of another origin: give it as Bearer.');
  }
}

/**
 * Returns the headers by which a browser shows an answer of a target as a page of nobody: it runs no script and has no part in a sign-in at the gateway, whose
 * origin it shares. Other clients get no such header: browsers say what they ask for a page, a frame or a worker (Fetch Metadata), and a sign-in counts in no
 * browser that does not.
 */
export function inertInBrowsers(headers: Headers): Headers {
  return headers.some(([name]) => name === 'sec-fetch-dest') ? [['content-security-policy', 'sandbox']] : [];
}

/**
 * Returns the client's headers that are passed on to the target. Headers for the next hop, the gateway's own, credentials for the gateway, and all that contain
 * the token are left out.
 */
export function endToEndRequest(headers: Headers, token: string): Headers {
  const named = connectionOptions(headers);
  return withoutOwnCookies(withoutTokenProtocol(headers)).filter(
    ([name, value]) => !named.has(name) && !isForGateway(withoutUnderscores(name)) && !isSecondBodyHeader(name) && (token === '' || !value.includes(token)),
  );
}

function isForGateway(name: string): boolean {
  return hopByHop.has(name) || internal.test(name) || credentials.has(name);
}

/** True for a header like `content_type`, by which some servers replace that of the message. */
function isSecondBodyHeader(name: string): boolean {
  return name.startsWith('content_');
}

/** Returns the name that servers with CGI's variables (WSGI, Rack, PHP) take a header's name for: they do not tell `_` from `-`. */
function withoutUnderscores(name: string): string {
  return name.replaceAll('_', '-');
}

/** Headers by which a request may ask the target for another method than its own. */
const methodHeader = /^x-(?:http-)?method(?:-override)?$/;
/** The parameter by which frameworks (Symfony, Laravel, Rails) let a POST ask for another method. PHP takes `.` and `[` in a name for `_`, and ignores spaces before it. */
const methodParameter = /(?:^|[&;])(?:\+|%20)*(?:[_.[]|%5B)method(?:[=&;]|$)/i;

/** True if a request asks for another method than its own, by a header or in its query. */
export function overridesMethod({ path, headers }: { readonly path: string; readonly headers: Headers }): boolean {
  const at = path.indexOf('?');
  return headers.some(([name]) => methodHeader.test(withoutUnderscores(name))) || (at !== -1 && methodParameter.test(path.slice(at + 1)));
}

function withoutTokenProtocol(headers: Headers): Headers {
  if (!headers.some(([name]) => name === 'sec-websocket-protocol')) {
    return headers;
  }
  return headers.flatMap(([name, value]): Headers => {
    if (name !== 'sec-websocket-protocol' || !value.includes(tokenProtocol)) {
      return [[name, value]];
    }
    const kept = offeredProtocols(value).filter((offered) => !offered.startsWith(tokenProtocol));
    return kept.length === 0 ? [] : [[name, kept.join(', ')]];
  });
}

/** Matches headers with a digest of a body, and those that say which digest comes: of RFC 9530 and those before it, and of stores of AWS, Google and Azure. */
const digest =
  /^(?:(?:content-|repr-)?digest|content-md5|x-amz-(?:checksum-.*|content-sha256|sdk-checksum-algorithm|trailer)|x-goog-hash|x-ms-(?:blob-content-md5|content-(?:md5|crc64))|x-content-sha256)$/;
/** Matches headers with signatures over a message (RFC 9421), of which a digest of the body is a part. */
const signature = /^signature(?:-input)?$/;

/** True for a header that describes the bytes of a body, or their coding. */
function isOfBody(name: string): boolean {
  return name === 'content-length' || name === 'content-encoding' || digest.test(name) || signature.test(name);
}

/** Removes the headers that are not true for a changed body. Both lists hold names and values in turn. */
export function withoutBodyHeaders(rawHeaders: readonly string[]): readonly string[] {
  return withoutNames(rawHeaders, isOfBody);
}

/**
 * Removes the headers or trailers that tell something of bytes which the client does not get: digests, signatures and the entity tag. By a digest, who knows the rest of a body can find a
 * value in it by trying. Both lists hold names and values in turn.
 */
export function withoutDigests(raw: readonly string[]): readonly string[] {
  return withoutNames(raw, (name) => name === 'etag' || digest.test(name) || signature.test(name));
}

function withoutNames(raw: readonly string[], isLeftOut: (name: string) => boolean): readonly string[] {
  return raw.filter((_, i) => !isLeftOut(raw[i - (i % 2)]?.toLowerCase() ?? ''));
}

/** True if the client has signed the message, or its body in pieces. */
export function isSigned(headers: Headers): boolean {
  return headers.some(([name, value]) => signature.test(name) || (name === 'x-amz-content-sha256' && value.startsWith('STREAMING-')));
}

/**
 * Changes the headers of a request so that its answer comes, and comes whole: a client that asks for parts would get each without the rest of a text, and one that asks by the tag of what it
 * has could find out by trying what there is.
 */
export function forWholeAnswer(method: string, headers: Headers): Headers {
  const isRead = method === 'GET' || method === 'HEAD';
  return headers.filter(([name]) => name !== 'range' && name !== 'if-range' && !(isRead && (name === 'if-match' || name === 'if-none-match')));
}

/** Changes the headers of a message to those of a message with another body. `bytes`: the length of the new body. */
export function withBody(headers: Headers, bytes: number): Headers {
  return [...withoutBody(headers), ['content-length', String(bytes)]];
}

/** Removes the headers of a message that are not true for another body. */
export function withoutBody(headers: Headers): Headers {
  return headers.filter(([name]) => !isOfBody(name));
}

/** Changes the headers of a request so that its answer comes without a content coding. */
export function withoutCoding(headers: Headers): Headers {
  return [...headers.filter(([name]) => name !== 'accept-encoding'), ['accept-encoding', 'identity']];
}

/**
 * Returns the client's trailers that are passed on to the target, by the same rules as headers. Fields that frame or encode the message are left out, because
 * they must come before the body (RFC 9110, 6.5.1).
 */
export function endToEndTrailers(trailers: Headers, token: string): Headers {
  return endToEndRequest(trailers, token).filter(isNoContentHeader);
}

/** Leaves out the cookies that browsers have for the gateway itself, which is on the same host as all targets. */
function withoutOwnCookies(headers: Headers): Headers {
  if (!headers.some(([name, value]) => name === 'cookie' && value.includes('countersign'))) {
    return headers;
  }
  return headers.flatMap(([name, value]): Headers => {
    if (name !== 'cookie') {
      return [[name, value]];
    }
    const kept = value.split(/; */).filter((pair) => !ownCookie.test(pair));
    return kept.length === 0 ? [] : [[name, kept.join('; ')]];
  });
}

/** Returns the target's headers that are passed on to the client, without those for the next hop and for the whole origin, and the gateway's own. `content-length` stays. */
export function endToEndResponse(headers: Headers): Headers {
  const named = connectionOptions(headers);
  const isLeftOut = (name: string): boolean => hopByHop.has(name) || named.has(name) || ofOrigin.has(name) || name.startsWith('countersign-');
  return headers.filter(([name, value]) => !isLeftOut(name) && !(name === 'set-cookie' && ownCookie.test(value)));
}

/**
 * Returns the target's headers that are passed on in an answer whose status allows no body. `content-length` is left out, because a client that is told a
 * length may wait for a body (RFC 9110, 8.6).
 */
export function endToEndBodiless(headers: Headers): Headers {
  return endToEndResponse(headers).filter(([name]) => name !== 'content-length');
}

/** Returns the target's trailers that are passed on to the client, without fields that frame or encode the message. */
export function endToEndResponseTrailers(trailers: Headers): Headers {
  return endToEndResponse(trailers).filter(isNoContentHeader);
}

function isNoContentHeader([name]: Headers[number]): boolean {
  return !name.startsWith('content-');
}

/**
 * Removes the lines of an answer that contain a secret of the target's credential. `raw` holds names and values in turn. Short secrets are not searched for,
 * because they would occur in any text.
 */
export function withoutSecrets(raw: readonly string[], secrets: readonly string[]): readonly string[] {
  const told = secrets.filter(({ length }) => length >= concealedLengthMin);
  return raw.map((text) => told.reduce((left, secret) => (left.includes(secret) ? left.replaceAll(secret, 'REDACTED') : left), text));
}

/** The headers that `connection` names. `content-length` is never one of them, because it belongs to the message. */
function connectionOptions(headers: Headers): ReadonlySet<string> {
  if (!headers.some(([name]) => name === 'connection')) {
    return none;
  }
  const options = new Set<string>();
  for (const [name, value] of headers) {
    if (name === 'connection') {
      for (const option of value.toLowerCase().split(',')) {
        options.add(option.trim());
      }
    }
  }
  options.delete('content-length');
  return options;
}
