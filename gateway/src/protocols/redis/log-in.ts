import type { Channel } from '../../domain/channel.ts';
import { GatewayError } from '../../domain/errors.ts';
import { parseOptions } from '../../domain/options.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { RecordedServer } from '../../wire/recorded-server.ts';
import { command } from './compose.ts';
import { redisOptions } from './options.ts';
import { ReplyReader } from './reply-reader.ts';

/** Most bytes of the replies to a login. */
const repliesBytesMax = 64 * 1024;

export interface TargetLogin {
  readonly upstream: Upstream;
  /** The reply to the HELLO of the client, or to its AUTH. */
  readonly answer: Buffer;
}

/** The login that is wanted at a target. */
export interface Wanted {
  readonly database: string;
  /** The user of the target. */
  readonly user: string;
  /** The HELLO of the client without its AUTH; null if it sent none. */
  readonly hello: Buffer | null;
}

/**
 * Logs in at the target with the gateway's own credential, and selects the database. Rejects with
 * GatewayError `target_unreachable`, `target_tls_failed` or `target_login_failed`, or with the reason for which the session ended.
 */
export async function logIn(channel: Channel, wanted: Wanted): Promise<TargetLogin> {
  const { signal } = channel;
  let upstream: Upstream | null = null;
  const abort = (): void => {
    upstream?.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    upstream = await channel.connect();
    if (upstream instanceof RecordedServer) {
      return { upstream, answer: await upstream.welcome() };
    }
    return { upstream, answer: await greet(upstream, channel, wanted) };
  } catch (error) {
    upstream?.destroy();
    signal.throwIfAborted();
    throw error instanceof GatewayError && ['malformed', 'deadline_exceeded'].includes(error.code)
      ? new GatewayError('target_login_failed', `The target does not speak Redis as expected. ${error.message}`, { cause: error })
      : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function greet(upstream: Upstream, { target, limits }: Channel, { database, user, hello }: Wanted): Promise<Buffer> {
  const { tls, caFile } = parseOptions(redisOptions, target.options);
  const mode = tls ?? (target.scheme === 'rediss' ? 'verify-full' : 'off');
  if (mode !== 'off') {
    await upstream.startTls({ mode, ...(caFile === undefined ? {} : { caFile }) });
  }
  const reader = new ReplyReader();
  const deadlineMs = performance.now() + limits.dialMs;
  const ask = async (...args: readonly string[]): Promise<Buffer> => {
    upstream.greet(command(...args));
    return reply(upstream, reader, deadlineMs);
  };
  const secret = target.password?.() ?? '';
  if (secret !== '' || user !== '') {
    const answer = await ask('AUTH', ...(user === '' ? [] : [user]), secret);
    if (answer[0] !== 0x2b) {
      // The client does not get the target's words about the gateway's own credential, because it would think that its own is wrong.
      throw new GatewayError('target_login_failed', 'The target refused the login: it does not accept the credential the gateway has for it');
    }
  }
  if (database !== '0') {
    const answer = await ask('SELECT', database);
    if (answer[0] !== 0x2b) {
      throw new GatewayError('target_login_failed', `The target has no database ${database}, which its URL names.`);
    }
  }
  if (hello === null) {
    upstream.unread(reader.rest());
    return Buffer.from('+OK\r\n');
  }
  upstream.greet(hello);
  const answer = await reply(upstream, reader, deadlineMs);
  upstream.unread(reader.rest());
  return answer;
}

async function reply(upstream: Upstream, reader: ReplyReader, deadlineMs: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const piece = reader.next(repliesBytesMax);
    if (piece !== null) {
      pieces.push(piece.bytes);
      bytes += piece.bytes.length;
      if (piece.ends) {
        return Buffer.concat(pieces);
      }
      continue;
    }
    const read = await upstream.read(Math.max(1, deadlineMs - performance.now()));
    if (read === null) {
      throw new GatewayError('target_login_failed', 'The target closed the connection during the login.');
    }
    if (bytes > repliesBytesMax) {
      throw new GatewayError('target_login_failed', 'The target says more at its login than the limit.');
    }
    reader.push(read);
  }
}
