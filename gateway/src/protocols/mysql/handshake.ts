import { GatewayError } from '../../domain/errors.ts';
import { can, capabilities } from './capabilities.ts';
import { lengthEncoded, lengthEncodedBytes, PayloadReader } from './payload.ts';

/** Bytes of the challenge to which a password is answered. A zero byte follows. */
export const challengeBytes = 20;
const firstChallengeBytes = 8;
const reservedBytes = 10;
const fillerBytes = 23;
/** Most names that a client may tell of itself. */
const attributesMax = 100;
/** Most bytes that both sides may send in one payload: 1 GiB, the most that servers have. */
const payloadBytesMax = 1 << 30;
const autocommit = 2;
const tlsRequestBytes = 32;
const protocolVersion = 10;

/** The first packet of a server. https://mariadb.com/kb/en/connection/#initial-handshake-packet */
export interface Greeting {
  readonly version: string;
  readonly connection: number;
  readonly challenge: Buffer;
  readonly capabilities: number;
  readonly charset: number;
  /** The way of logging in that the server expects. */
  readonly plugin: string;
}

/** The login of a client, or its request for TLS before it. https://mariadb.com/kb/en/connection/#client-handshake-response */
export interface LoginPacket {
  readonly capabilities: number;
  readonly charset: number;
  readonly user: string;
  /** The answer to the challenge, or the password: of the way of logging in that `plugin` names. */
  readonly response: Buffer;
  readonly database: string;
  readonly plugin: string;
  /** The claims of the client about its own software. */
  readonly attributes: readonly (readonly [string, string])[];
}

/** Writes the greeting of a server. */
export function composeGreeting({ version, connection, challenge, capabilities: flags, charset, plugin }: Greeting): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(connection);
  const rest = Buffer.alloc(2 + 1 + 2 + 2 + 1 + reservedBytes);
  rest.writeUInt16LE(flags & 0xff_ff, 0);
  rest.writeUInt8(charset & 0xff, 2);
  rest.writeUInt16LE(autocommit, 3);
  rest.writeUInt16LE(flags >>> 16, 5);
  rest.writeUInt8(challengeBytes + 1, 7);
  return Buffer.concat([
    Buffer.of(protocolVersion),
    cstring(version),
    head,
    challenge.subarray(0, firstChallengeBytes),
    Buffer.of(0),
    rest,
    challenge.subarray(firstChallengeBytes),
    Buffer.of(0),
    cstring(plugin),
  ]);
}

/** Reads the greeting of a server. Throws GatewayError `malformed` or `unsupported`. */
export function parseGreeting(payload: Buffer): Greeting {
  const reader = new PayloadReader(payload);
  const protocol = reader.uint8();
  if (protocol !== protocolVersion) {
    throw new GatewayError('unsupported', `The target speaks version ${protocol} of the protocol, and the gateway ${protocolVersion}.`);
  }
  const version = reader.cstring();
  const connection = reader.uint32le();
  const first = reader.bytes(firstChallengeBytes);
  reader.uint8();
  const low = reader.uint16le();
  const charset = reader.uint8();
  reader.uint16le();
  const flags = (low | (reader.uint16le() << 16)) >>> 0;
  const length = reader.uint8();
  reader.bytes(reservedBytes);
  const second = reader.bytes(Math.max(challengeBytes - firstChallengeBytes + 1, length - firstChallengeBytes));
  const plugin = can(flags, capabilities.pluginAuthentication) ? reader.cstring() : '';
  return { version, connection, challenge: Buffer.concat([first, second]).subarray(0, challengeBytes), capabilities: flags, charset, plugin };
}

/** Writes the request for TLS, with which a login over TLS begins. */
export function composeTlsRequest({ capabilities: flags, charset }: Pick<LoginPacket, 'capabilities' | 'charset'>): Buffer {
  const head = Buffer.alloc(4 + 4 + 1 + fillerBytes);
  head.writeUInt32LE(flags >>> 0, 0);
  head.writeUInt32LE(payloadBytesMax, 4);
  head.writeUInt8(charset & 0xff, 8);
  return head;
}

/** Writes the login of a client. */
export function composeLogin(login: LoginPacket): Buffer {
  const { capabilities: flags, user, response, database, plugin, attributes } = login;
  const pairs = Buffer.concat(attributes.flatMap((pair) => pair.map((text) => lengthEncodedBytes(Buffer.from(text)))));
  return Buffer.concat([
    composeTlsRequest(login),
    cstring(user),
    can(flags, capabilities.longAuthentication) ? lengthEncoded(response.length) : Buffer.of(response.length),
    response,
    ...(can(flags, capabilities.connectWithDatabase) ? [cstring(database)] : []),
    ...(can(flags, capabilities.pluginAuthentication) ? [cstring(plugin)] : []),
    ...(can(flags, capabilities.connectAttributes) ? [lengthEncodedBytes(pairs)] : []),
  ]);
}

/** True if a client asks for TLS instead of logging in. */
export function isTlsRequest(payload: Buffer): boolean {
  return payload.length === tlsRequestBytes && can(payload.readUInt32LE(0), capabilities.tls);
}

/** Reads the login of a client. Throws GatewayError `malformed` or `unsupported`. */
export function parseLogin(payload: Buffer): LoginPacket {
  const reader = new PayloadReader(payload);
  if (payload.length < tlsRequestBytes || !can(payload.readUInt32LE(0), capabilities.protocol41)) {
    throw new GatewayError('unsupported', 'The client speaks the protocol of MySQL before version 4.1.');
  }
  const flags = reader.uint32le();
  reader.uint32le();
  const charset = reader.uint8();
  reader.bytes(fillerBytes);
  const user = reader.cstring();
  const response = can(flags, capabilities.longAuthentication)
    ? reader.lengthEncodedBytes()
    : can(flags, capabilities.secureConnection)
      ? reader.bytes(reader.uint8())
      : reader.cstringBytes();
  // Clients leave out what is empty at the end.
  const database = can(flags, capabilities.connectWithDatabase) && reader.left > 0 ? reader.cstring() : '';
  const plugin = can(flags, capabilities.pluginAuthentication) && reader.left > 0 ? reader.cstring() : '';
  const attributes = can(flags, capabilities.connectAttributes) && reader.left > 0 ? readAttributes(reader.lengthEncodedBytes()) : [];
  return { capabilities: flags >>> 0, charset, user, response, database, plugin, attributes };
}

function readAttributes(bytes: Buffer): LoginPacket['attributes'] {
  const reader = new PayloadReader(bytes);
  const attributes: (readonly [string, string])[] = [];
  while (reader.left > 0) {
    if (attributes.length >= attributesMax) {
      throw new GatewayError('malformed', `A login has more than ${attributesMax} attributes.`);
    }
    attributes.push([reader.lengthEncodedBytes().toString(), reader.lengthEncodedBytes().toString()]);
  }
  return attributes;
}

/** Writes the request to log in in another way, with the challenge for that. */
export function composeSwitch(plugin: string, challenge: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xfe), cstring(plugin), challenge, Buffer.of(0)]);
}

function cstring(text: string): Buffer {
  return Buffer.from(`${text.replaceAll('\0', '\u{fffd}')}\0`);
}
