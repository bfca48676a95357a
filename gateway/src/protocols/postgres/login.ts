import { GatewayError } from '../../domain/errors.ts';
import type { Client, Door, Session } from '../../domain/protocol.ts';
import {
  cancelRequestCode,
  encode,
  Fields,
  gssEncRequestCode,
  int32,
  MessageReader,
  protocolVersion3,
  sslRequestCode,
  startupBytesMax,
} from './codec.ts';
import { readStartup, type Startup } from './startup.ts';

/** First byte of a TLS record of a handshake: a client that begins with TLS at once. */
const tlsHandshake = 0x16;
const alpnProtocols = ['postgresql'];
const passwordBytesMax = 4096;
/** SSLRequest and GSSENCRequest before the startup packet; nobody needs more. */
const negotiationsMax = 4;
const authenticationCleartext = 3;

export interface Login {
  readonly startup: Startup;
  /** The startup packet as it came: content of the connect record. It holds no password. */
  readonly packet: Buffer;
  readonly session: Session;
}

/**
 * From the first byte to an authenticated session; null when the client came to cancel, or left. All of it within `limits.loginMs`.
 * Errors: GatewayErrors, to be told to the client.
 */
export async function acceptLogin(client: Client, door: Door): Promise<Login | null> {
  const deadline = performance.now() + door.limits.loginMs;
  const reader = new PacketReader(client, deadline);
  const packet = await negotiate(client, door, reader);
  if (packet === null) {
    return null;
  }
  const version = packet.readUInt32BE(4);
  if (version >>> 16 !== protocolVersion3 >>> 16) {
    throw new GatewayError('unsupported', 'Only version 3 of the protocol is spoken.');
  }
  const startup = readStartup(readPairs(packet), version & 0xffff);
  if (startup.minorVersion > 0 || startup.protocolOptions.length > 0) {
    client.write(encode('v', int32(0), int32(startup.protocolOptions.length), ...startup.protocolOptions));
  }
  const token = client.tunnel?.token ?? (await askForToken(client, deadline));
  if (client.tunnel !== null && client.tunnel.target !== startup.target && startup.target !== startup.user) {
    throw new GatewayError('refused', `This connection was opened for the target "${client.tunnel.target}".`);
  }
  const target = client.tunnel?.target ?? startup.target;
  const session = await door.authenticate({ token, target, user: startup.user, clientAddress: client.address });
  return { startup, packet, session };
}

/** TLS first, if the client wants it; returns the startup packet, null when it was a cancel request or the client left. */
async function negotiate(client: Client, door: Door, reader: PacketReader): Promise<Buffer | null> {
  if ((await reader.peekByte()) === tlsHandshake) {
    if (!client.canStartTls) {
      throw new GatewayError('unsupported', 'This listener has no certificate, so TLS is not to be had.');
    }
    await client.startTls({ direct: true, alpnProtocols });
  }
  for (let i = 0; i < negotiationsMax; i++) {
    // oxlint-disable-next-line no-await-in-loop -- a dialogue.
    const packet = await reader.next();
    if (packet === null) {
      return null;
    }
    const code = packet.readUInt32BE(4);
    if (code === cancelRequestCode) {
      // oxlint-disable-next-line no-await-in-loop -- and done.
      await door.signal(packet.subarray(8));
      return null;
    }
    if (code === sslRequestCode && client.canStartTls && !client.isEncrypted) {
      client.write(Buffer.from('S'));
      // oxlint-disable-next-line no-await-in-loop -- a dialogue.
      await client.startTls({ direct: false });
    } else if (code === sslRequestCode || code === gssEncRequestCode) {
      client.write(Buffer.from('N'));
    } else {
      return packet;
    }
  }
  throw new GatewayError('malformed', 'Too many requests for encryption.');
}

async function askForToken(client: Client, deadline: number): Promise<string> {
  if (!client.isEncrypted && !client.isLoopback) {
    throw new GatewayError('unauthenticated', 'The token would cross the network in the clear: connect with sslmode=require, or from the machine of the gateway.');
  }
  client.write(encode('R', int32(authenticationCleartext)));
  const reader = new MessageReader(passwordBytesMax);
  for (;;) {
    const message = reader.next();
    if (message !== null) {
      if (message.type !== 'p' || reader.heldBytes > 0) {
        throw new GatewayError('malformed', 'A password message was expected.');
      }
      return new Fields(message.bytes).text();
    }
    // oxlint-disable-next-line no-await-in-loop -- until the message is whole.
    const bytes = await client.read(Math.max(0, deadline - performance.now()));
    if (bytes === null) {
      throw new GatewayError('unauthenticated', 'No token was given: the password is the token.');
    }
    reader.push(bytes);
  }
}

function readPairs(packet: Buffer): string[] {
  const fields = new Fields(packet, 8);
  const pairs: string[] = [];
  while (!fields.done) {
    const text = fields.text();
    if (text === '' && pairs.length % 2 === 0) {
      break;
    }
    pairs.push(text);
  }
  return pairs;
}

/** Packets without type byte, whole, from a client that may send them in pieces. */
class PacketReader {
  readonly #client: Client;
  readonly #deadline: number;

  constructor(client: Client, deadline: number) {
    this.#client = client;
    this.#deadline = deadline;
  }

  async peekByte(): Promise<number | null> {
    const bytes = await this.#read();
    if (bytes === null) {
      return null;
    }
    this.#client.unread(bytes);
    return bytes[0] ?? null;
  }

  async next(): Promise<Buffer | null> {
    let held = Buffer.alloc(0);
    for (;;) {
      if (held.length >= 4) {
        const length = held.readUInt32BE(0);
        if (length < 8 || length > startupBytesMax) {
          throw new GatewayError('malformed', 'This does not begin like the PostgreSQL protocol.');
        }
        if (held.length >= length) {
          this.#client.unread(held.subarray(length));
          return held.subarray(0, length);
        }
      }
      // oxlint-disable-next-line no-await-in-loop -- until the packet is whole.
      const bytes = await this.#read();
      if (bytes === null) {
        return null;
      }
      held = Buffer.concat([held, bytes]);
    }
  }

  #read(): Promise<Buffer | null> {
    return this.#client.read(Math.max(0, this.#deadline - performance.now()));
  }
}
