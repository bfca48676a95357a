import { createHash } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import { endToEndResponse } from '../headers.ts';
import { headerOf, type Headers, type RequestHead } from '../reading.ts';

const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const upgrading: Headers = [
  ['connection', 'Upgrade'],
  ['upgrade', 'websocket'],
];

/**
 * Returns the headers of a client's opening handshake (RFC 6455, 4.1) for the target. They offer no extension, because frames are recorded and read without
 * extensions. Throws GatewayError `malformed`.
 */
export function openingHeaders({ method, headers }: RequestHead): Headers {
  const key = headerOf(headers, 'sec-websocket-key') ?? '';
  const isOpening = method === 'GET' && headerOf(headers, 'sec-websocket-version') === '13' && /^[A-Za-z0-9+/]{22}==$/.test(key);
  if (!isOpening || headers.some(([name, value]) => name === 'content-length' && value !== '0')) {
    throw new GatewayError('malformed', 'A WebSocket connection must be opened with GET, version 13, a key of 16 bytes, and no body.');
  }
  return [...headers.filter(([name]) => name !== 'sec-websocket-extensions'), ...upgrading];
}

/**
 * Returns the headers of the target's consent for the client. Throws GatewayError `target_unreachable` if the target consents to something that it was not
 * asked for.
 */
export function acceptedHeaders(asked: Headers, answered: Headers): Headers {
  const accept = createHash('sha1')
    .update(`${headerOf(asked, 'sec-websocket-key')}${acceptSuffix}`)
    .digest('base64');
  const chosen = headerOf(answered, 'sec-websocket-protocol');
  const offered = (headerOf(asked, 'sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  const isConsent =
    headerOf(answered, 'upgrade')?.toLowerCase() === 'websocket' &&
    headerOf(answered, 'sec-websocket-accept') === accept &&
    headerOf(answered, 'sec-websocket-extensions') === undefined &&
    (chosen === undefined || offered.includes(chosen));
  if (!isConsent) {
    throw new GatewayError('target_unreachable', 'The target changed to a protocol that it was not asked for.');
  }
  return [...endToEndResponse(answered), ...upgrading];
}
