import { GatewayError, type ErrorCode } from '../../domain/errors.ts';
import type { Client } from '../../domain/client.ts';
import type { ClientClaims } from '../../domain/client-claims.ts';
import type { Credential, Door } from '../../domain/door.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { askPassword, negotiateVersion } from './compose.ts';
import { Unanswered } from './failures.ts';
import { frontend, type StartupPacket } from './messages.ts';
import { PacketReader } from './packet-reader.ts';
import { readStartupParameters, type StartupRequest } from './startup-parameters.ts';
import { decodeStartupLength, parseStartupPacket, startupBytesMax } from './startup.ts';

/** Most bytes of a password. A token is far shorter; an identity token of an organisation's issuer may be that long. */
const passwordBytesMax = 16 * 1024;
/** The newest minor version that is known. 3.2 differs from 3.0 only in the length of the secret in a cancel key. */
const minorMax = 2;
const tlsHandshakeByte = 0x16;

/** The first request of a client: to log in, or to cancel a request. `gone`: the client left before. */
export type Arrival = { readonly kind: 'gone' } | { readonly kind: 'cancel'; readonly key: Buffer } | LoginArrival;

export interface LoginArrival {
  readonly kind: 'login';
  readonly credential: Credential;
  /** The startup packet as it came. It contains no password. */
  readonly packet: Buffer;
  /** The minor version of protocol 3 that is spoken with this client. */
  readonly minor: number;
  /** The database that the client named after its target. Empty: the target's own database. */
  readonly database: string;
  readonly settings: StartupRequest['settings'];
  readonly hold: StartupRequest['hold'];
}

type Startup = Extract<StartupPacket, { kind: 'startup' }>;

/**
 * Serves the client up to its credential: encryption, startup, password. Rejects with GatewayError `malformed`, `unsupported`, `unauthenticated`,
 * `unknown_target`, `limit_exceeded` or `deadline_exceeded`.
 */
export async function receive(client: Client, door: Door): Promise<Arrival> {
  const reader = new PacketReader(client, {
    messageBytesMax: passwordBytesMax,
    totalBytesMax: 4 * startupBytesMax + passwordBytesMax,
    deadlineMs: performance.now() + door.limits.loginMs,
  });
  const first = await unanswered(readStartup(client, reader), ['deadline_exceeded']);
  if (first === null) {
    if (reader.leftBytes > 0) {
      throw new Unanswered('malformed', 'The connection ended within its first packet.');
    }
    return { kind: 'gone' };
  }
  if (first.parsed.kind === 'cancel') {
    return { kind: 'cancel', key: first.parsed.key };
  }
  const startup = readStartupParameters(first.parsed.parameters);
  const minor = Math.min(first.parsed.minor, minorMax);
  if (first.parsed.minor > minor || startup.unknownOptions.length > 0) {
    client.write(negotiateVersion(minor, startup.unknownOptions));
  }
  const named = nameTarget(startup.database, client);
  const { certificate } = client;
  const token = client.tunnel?.token ?? (certificate !== null && door.knows(certificate) ? '' : await readPassword(client, reader));
  reader.release();
  if (token === null) {
    return { kind: 'gone' };
  }
  return {
    kind: 'login',
    packet: first.packet,
    minor,
    settings: startup.settings,
    hold: startup.hold,
    credential: { token, target: named.target, user: startup.user, clientAddress: client.address, claims: claimedIn(startup.settings), certificate },
    database: named.database,
  };
}

/** Returns what the client says of its own software. */
function claimedIn(settings: StartupRequest['settings']): ClientClaims {
  return claimedName(settings.get('application_name') ?? '');
}

/** Returns the claim of a client that names its application. */
export function claimedName(name: string): ClientClaims {
  return name === '' ? [] : [['application_name', name]];
}

/** Answers requests for encryption, at most one of each kind, until a startup or a cancel comes. */
async function readStartup(
  client: Client,
  reader: PacketReader,
): Promise<{ readonly packet: Buffer; readonly parsed: Startup | Extract<StartupPacket, { kind: 'cancel' }> } | null> {
  const asked = new Set<string>();
  const first = await reader.peek(1);
  if (first?.[0] === tlsHandshakeByte) {
    reader.release();
    await startTls(client, true);
    asked.add('ssl').add('gss-encryption');
  }
  for (;;) {
    const packet = await readPacket(reader);
    if (packet === null) {
      return null;
    }
    const parsed = parseStartupPacket(packet);
    if (parsed.kind === 'startup' || parsed.kind === 'cancel') {
      return { packet, parsed };
    }
    if (asked.has(parsed.kind) || (parsed.kind === 'gss-encryption' && client.isEncrypted)) {
      throw new GatewayError('malformed', 'Encryption was asked for twice.');
    }
    asked.add(parsed.kind);
    if (parsed.kind === 'ssl' && client.canStartTls) {
      // Bytes that were sent unencrypted after the request would count as encrypted ones (PostgreSQL CVE-2021-23214).
      if (reader.leftBytes > 0) {
        throw new GatewayError('malformed', 'Unencrypted bytes followed the request for TLS.');
      }
      client.write(Buffer.from('S'));
      await startTls(client, false);
      asked.add('gss-encryption');
    } else {
      client.write(Buffer.from('N'));
    }
  }
}

async function startTls(client: Client, direct: boolean): Promise<void> {
  if (!client.canStartTls) {
    throw new Unanswered('unsupported', 'TLS is not set up on this listener.');
  }
  await unanswered(client.startTls({ direct, alpnProtocols: ['postgresql'] }), ['malformed']);
}

/** Turns errors of a step with one of these codes into `Unanswered`, because PostgreSQL sends no message for them. */
async function unanswered<Outcome>(step: Promise<Outcome>, codes: readonly ErrorCode[]): Promise<Outcome> {
  try {
    return await step;
  } catch (error) {
    throw error instanceof GatewayError && codes.includes(error.code) ? new Unanswered(error.code, error.message, { cause: error }) : error;
  }
}

async function readPacket(reader: PacketReader): Promise<Buffer | null> {
  const header = await reader.peek(4);
  if (header === null) {
    return null;
  }
  const length = decodeStartupLength(header);
  return length === 'incomplete' ? null : reader.take(length);
}

async function readPassword(client: Client, reader: PacketReader): Promise<string | null> {
  if (!client.isEncrypted && !client.isLoopback) {
    throw new GatewayError(
      'unauthenticated',
      'A token is not taken over a connection in the clear: connect with sslmode=require or verify-full, or through countersign connect.',
    );
  }
  client.write(askPassword);
  const message = await unanswered(reader.message(), ['malformed']);
  if (message === null || message[0] === frontend.terminate) {
    return null;
  }
  if (message[0] !== frontend.password) {
    throw new GatewayError('malformed', 'A password was expected.');
  }
  const body = new ByteReader(message, 5);
  const token = body.cstring();
  body.finish();
  return token;
}

/** Parses `dbname=TARGET` or `TARGET/DATABASE`. A tunnel leads only to its own target. */
function nameTarget(dbname: string, client: Client): { readonly target: string; readonly database: string } {
  const slash = dbname.indexOf('/');
  const target = slash < 0 ? dbname : dbname.slice(0, slash);
  const database = slash < 0 ? '' : dbname.slice(slash + 1);
  if (client.tunnel !== null && client.tunnel.target !== target) {
    throw new GatewayError('unknown_target', `This port leads to "${client.tunnel.target}": connect with dbname=${client.tunnel.target}.`);
  }
  return { target, database };
}
