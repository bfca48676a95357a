import { randomBytes, type KeyObject } from 'node:crypto';
import type { Client } from '../../domain/client.ts';
import type { Door, Credential } from '../../domain/door.ts';
import { GatewayError } from '../../domain/errors.ts';
import { targetIn } from '../../wire/remote-user.ts';
import { decryptPassword, encryptedBytes, plugins, sha2, withoutZero } from './authentication.ts';
import { can, capabilities, offered } from './capabilities.ts';
import { challengeBytes, composeGreeting, composeLogin, composeSwitch, isTlsRequest, parseLogin, type Greeting, type LoginPacket } from './handshake.ts';
import { PacketStream } from './packet-stream.ts';

/** `utf8mb4_general_ci`. */
const charset = 45;
const userCharactersMax = 256;
/** The attributes in which clients say what they are. */
const claimedAttributes: ReadonlySet<string> = new Set(['program_name', '_client_name', '_client_version']);
const claimCharactersMax = 256;

/** The key with which clients encrypt a token, and its public half as they get it. */
export interface TokenKey {
  readonly key: KeyObject;
  readonly pem: Buffer;
}

/** A client that was greeted. */
export interface Greeted {
  readonly stream: PacketStream;
  readonly challenge: Buffer;
  /** The number of the connection that the client was told. */
  readonly number: number;
  readonly tokenKey: () => Promise<TokenKey>;
}

/** Greets a client, which waits for that. `version` is that of the server that it is told, and `connection` the number of its connection. */
export function greet(client: Client, { version, connection }: Pick<Greeting, 'version' | 'connection'>): Omit<Greeted, 'tokenKey'> {
  const stream = new PacketStream(client, (bytes) => {
    client.write(bytes);
  });
  const challenge = makeChallenge();
  const flags = offered | (client.canStartTls ? capabilities.tls : 0);
  stream.send(composeGreeting({ version, connection, challenge, capabilities: flags, charset, plugin: plugins.sha2 }));
  return { stream, challenge, number: connection };
}

/** A client that has shown who it is and where it wants to go. */
export interface Arrival {
  readonly credential: Credential;
  /** The login as it came, without what shows who the client is. */
  readonly login: LoginPacket;
  readonly stream: PacketStream;
}

/**
 * Serves a client up to its token. Null: it left before. Rejects with GatewayError `malformed`, `limit_exceeded`, `deadline_exceeded`, `unsupported` or
 * `unauthenticated`.
 */
export async function receive(client: Client, door: Door, { stream, challenge, tokenKey }: Greeted): Promise<Arrival | null> {
  const deadlineMs = performance.now() + door.limits.loginMs;
  const next = async (): Promise<Buffer | null> => stream.next(deadlineMs);
  let payload = await next();
  if (payload !== null && isTlsRequest(payload)) {
    if (!client.canStartTls) {
      throw new GatewayError('unsupported', 'TLS is not set up on this listener.');
    }
    // The client does not wait for an answer: what comes behind its request begins the handshake. Unencrypted bytes there are none, so the handshake fails.
    stream.release();
    await client.startTls({ direct: true });
    payload = await next();
  }
  if (payload === null) {
    return null;
  }
  const login = parseLogin(payload);
  const { certificate, tunnel } = client;
  const isKnown = tunnel !== null || (certificate !== null && door.knows(certificate));
  const token = isKnown ? (tunnel?.token ?? '') : await receiveToken(client, stream, { login, challenge, tokenKey, next });
  return token === null
    ? null
    : {
        credential: {
          token,
          certificate,
          target: tunnel?.target ?? targetIn(login.user),
          user: login.user.slice(0, userCharactersMax),
          clientAddress: client.address,
          claims: login.attributes.flatMap(([name, value]) => (claimedAttributes.has(name) ? [[name, value.slice(0, claimCharactersMax)] as const] : [])),
        },
        login: { ...login, response: Buffer.alloc(0) },
        stream,
      };
}

/** Resolves with the next payload of the client; null if it has left. */
type Next = () => Promise<Buffer | null>;

/** Returns the bytes of a login as it is recorded. */
export function recordedLogin(login: LoginPacket): Buffer {
  return composeLogin(login);
}

async function receiveToken(
  client: Client,
  stream: PacketStream,
  {
    login,
    challenge,
    tokenKey,
    next,
  }: { readonly login: LoginPacket; readonly challenge: Buffer; readonly tokenKey: () => Promise<TokenKey>; readonly next: Next },
): Promise<string | null> {
  if (!client.isEncrypted && !client.isLoopback) {
    throw new GatewayError(
      'unauthenticated',
      'A token is not taken over a connection without TLS: connect with TLS (mariadb --ssl, mysql --ssl-mode=REQUIRED), or through countersign connect.',
    );
  }
  let answer = login.response;
  if (login.plugin === plugins.clear && answer.length > 0) {
    return withoutZero(answer).toString();
  }
  if (login.plugin !== plugins.sha2) {
    if (!can(login.capabilities, capabilities.pluginAuthentication)) {
      throw new GatewayError('unauthenticated', 'The client can log in only in the ways of MySQL before version 5.5.7, which do not show the token.');
    }
    stream.send(composeSwitch(plugins.sha2, challenge));
    const switched = await next();
    if (switched === null) {
      return null;
    }
    answer = switched;
  }
  if (withoutZero(answer).length === 0) {
    throw new GatewayError('unauthenticated', 'No password was given. Log in with the name of a target as user, and a token as password.');
  }
  // The answer to the challenge proves a password to who has it. The gateway has only the hash of a token, so it asks for the token itself.
  stream.send(Buffer.of(0x01, sha2.askPassword));
  const first = await next();
  if (first === null || client.isEncrypted) {
    return first === null ? null : withoutZero(first).toString();
  }
  return receiveHere(stream, first, { challenge, next, ...(await tokenKey()) });
}

/** Takes a token over a connection of this machine: as it is, as MariaDB's clients send it, or encrypted with the key that the client asks for or has already. */
async function receiveHere(
  stream: PacketStream,
  first: Buffer,
  { challenge, next, key, pem }: TokenKey & { readonly challenge: Buffer; readonly next: Next },
): Promise<string | null> {
  if (first.at(-1) === 0 && first.length !== encryptedBytes) {
    return withoutZero(first).toString();
  }
  let encrypted: Buffer | null = first;
  if (first.length === 1 && first[0] === sha2.askKey) {
    stream.send(Buffer.concat([Buffer.of(0x01), pem]));
    encrypted = await next();
  }
  if (encrypted === null) {
    return null;
  }
  const token = decryptPassword(encrypted, challenge, key);
  if (token === null) {
    throw new GatewayError('unauthenticated', 'The token was not encrypted with the key of this listener, or is too long for it: connect with TLS.');
  }
  return token.toString();
}

/** Makes a challenge without zero bytes, which would end it for some clients. */
function makeChallenge(): Buffer {
  return Buffer.from(randomBytes(challengeBytes).map((byte) => (byte % 255) + 1));
}
