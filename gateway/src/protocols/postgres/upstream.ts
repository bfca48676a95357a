import { randomBytes } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import type { TargetPlace } from '../../domain/counting.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { sslRequest, startupMessage } from './compose.ts';
import { parseErrorFields } from './codec.ts';
import { readSqlState, TargetRefusal } from './failures.ts';
import { backend } from './messages.ts';
import { parseOptions } from '../../domain/options.ts';
import { postgresOptions, tlsMode } from './options.ts';
import { PacketReader } from './packet-reader.ts';
import { authenticate } from './upstream-authentication.ts';

const loginMessageBytesMax = 64 * 1024;
const loginBytesMax = 1024 * 1024;

/** The gateway's connection to the target, after the login. */
export interface TargetLogin {
  readonly upstream: Upstream;
  /** ParameterStatus and NoticeResponse messages as the target sent them. */
  readonly greeting: readonly Buffer[];
  /** Process id and secret of the target's BackendKeyData; null if the target sent none. */
  readonly key: Buffer | null;
  /** The state of the transaction in the target's first ReadyForQuery. */
  readonly status: number;
}

export interface TargetLoginRequest {
  readonly database: string;
  readonly settings: ReadonlyMap<string, string>;
  /** Ends the attempt. Absent: the channel's own signal does. */
  readonly signal?: AbortSignal;
}

/**
 * Logs in at the target. Rejects with GatewayError `target_unreachable`, `target_tls_failed` or `target_login_failed`, or with the reason of the signal: that for
 * which the session ended.
 */
export async function logIn(channel: TargetPlace, request: TargetLoginRequest): Promise<TargetLogin> {
  const { signal = channel.signal } = request;
  let upstream: Upstream | null = null;
  const abort = (): void => {
    upstream?.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    upstream = await dial(channel, signal);
    return await greet(upstream, channel, request);
  } catch (error) {
    upstream?.destroy();
    signal.throwIfAborted();
    throw explain(error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Turns an error of reading messages, which is worded for clients, into one about the target. */
function explain(error: unknown): unknown {
  if (!(error instanceof GatewayError)) {
    return error;
  }
  switch (error.code) {
    case 'malformed':
    case 'limit_exceeded':
      return new GatewayError('target_login_failed', `The target does not speak PostgreSQL as expected. ${error.message}`, {
        cause: error,
      });
    case 'deadline_exceeded':
      return new GatewayError('target_login_failed', 'The target took too long over the login.', { cause: error });
    default:
      return error;
  }
}

/** Opens a TCP connection, with TLS if the target's options say so. */
export async function dial(channel: TargetPlace, signal: AbortSignal = channel.signal): Promise<Upstream> {
  const { target, limits } = channel;
  const options = parseOptions(postgresOptions, target.options);
  const mode = tlsMode(target);
  const upstream = await channel.connect(signal);
  if (mode === 'off') {
    return upstream;
  }
  try {
    await askForTls(upstream, limits.dialMs);
    await upstream.startTls({
      mode,
      alpnProtocols: ['postgresql'],
      ...(options.sslrootcert === undefined ? {} : { caFile: options.sslrootcert }),
    });
    return upstream;
  } catch (error) {
    upstream.destroy();
    throw error;
  }
}

/** Asks for TLS. The answer must be exactly one byte: bytes after it came unencrypted and make `startTls` fail (PostgreSQL CVE-2021-23222). */
async function askForTls(upstream: Upstream, limitMs: number): Promise<void> {
  upstream.greet(sslRequest);
  const answer = await upstream.read(limitMs);
  if (answer?.[0] !== 0x53) {
    throw new GatewayError('target_tls_failed', 'The target does not offer TLS. Set it up there, or sslmode=off for this target if the way to it is safe.');
  }
  if (answer.length > 1) {
    throw new GatewayError('target_tls_failed', 'The target sent unencrypted bytes after its answer to the request for TLS.');
  }
}

async function greet(upstream: Upstream, channel: TargetPlace, request: TargetLoginRequest): Promise<TargetLogin> {
  const { target, limits } = channel;
  const database = request.database === '' ? target.path : request.database;
  const parameters = new Map([['user', target.user], ...(database === '' ? [] : [['database', database] as const]), ...request.settings]);
  upstream.greet(startupMessage(parameters));
  const reader = new PacketReader(upstream, {
    messageBytesMax: loginMessageBytesMax,
    totalBytesMax: loginBytesMax,
    deadlineMs: performance.now() + limits.dialMs,
  });
  await authenticate({
    upstream,
    next: () => nextMessage(reader),
    user: target.user,
    password: target.password,
    options: parseOptions(postgresOptions, target.options),
    nonce: randomBytes(18).toString('base64'),
  });
  return settle(upstream, reader);
}

/** Reads the target's messages from AuthenticationOk to the first ReadyForQuery. */
async function settle(upstream: Upstream, reader: PacketReader): Promise<TargetLogin> {
  const greeting: Buffer[] = [];
  let key: Buffer | null = null;
  for (;;) {
    const message = await nextMessage(reader);
    switch (message.readUInt8(0)) {
      case backend.parameterStatus:
      case backend.notice:
        greeting.push(message);
        break;
      case backend.backendKeyData:
        key = message.subarray(5);
        break;
      case backend.readyForQuery:
        reader.release();
        return { upstream, greeting, key, status: message[5] ?? 0 };
      default:
        throw new GatewayError('malformed', 'It sent a message that does not belong into a login.');
    }
  }
}

/** Returns the next message. An error of the target becomes a GatewayError. */
async function nextMessage(reader: PacketReader): Promise<Buffer> {
  const message = await reader.message();
  if (message === null) {
    throw new GatewayError('target_login_failed', 'The target closed the connection during the login.');
  }
  if (message[0] !== backend.error) {
    return message;
  }
  const fields = parseErrorFields(message.subarray(5));
  const state = readSqlState(fields);
  if (state?.startsWith('28') === true) {
    // The client does not get the target's words about the gateway's own credential, because it would think that its own is wrong.
    throw new GatewayError('target_login_failed', `The target refused the login (${state}): it does not accept the credential the gateway has for it`);
  }
  throw new TargetRefusal(state, `The target refused the login (${state ?? 'no SQLSTATE'}): ${(fields.get('M') ?? '').slice(0, 500)}`);
}
