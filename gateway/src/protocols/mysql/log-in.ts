import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Channel } from '../../domain/channel.ts';
import { GatewayError } from '../../domain/errors.ts';
import { parseOptions } from '../../domain/options.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { RecordedServer } from '../../wire/recorded-server.ts';
import { marks, parseError } from './answer.ts';
import { answerEd25519, answerNative, answerSha2, encryptPassword, plugins, sha2, withZero } from './authentication.ts';
import { can, capabilities, needed, offered } from './capabilities.ts';
import { composeLogin, composeTlsRequest, parseGreeting, type Greeting, type LoginPacket } from './handshake.ts';
import { mysqlOptions, tlsMode, type MysqlOptions } from './options.ts';
import { PacketStream } from './packet-stream.ts';
import { PayloadReader } from './payload.ts';

export interface TargetLogin {
  readonly upstream: Upstream;
  /** The greeting of the target. Null: a recording is in its place. */
  readonly greeting: Greeting | null;
}

/**
 * Logs in at the target with the gateway's own credential, and with the capabilities and the character set of the client. Rejects with GatewayError `target_unreachable`,
 * `target_tls_failed` or `target_login_failed`, or with the reason for which `signal` is aborted.
 */
export async function logIn(channel: Channel, login: LoginPacket, signal: AbortSignal = channel.signal): Promise<TargetLogin> {
  let upstream: Upstream | null = null;
  const abort = (): void => {
    upstream?.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    upstream = await channel.connect(signal);
    return { upstream, greeting: upstream instanceof RecordedServer ? null : await greet(upstream, channel, login) };
  } catch (error) {
    upstream?.destroy();
    signal.throwIfAborted();
    throw error instanceof GatewayError && ['malformed', 'unsupported', 'limit_exceeded', 'deadline_exceeded'].includes(error.code)
      ? new GatewayError('target_login_failed', `The target does not speak MySQL as expected. ${error.message}`, { cause: error })
      : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function greet(upstream: Upstream, { target, limits }: Channel, login: LoginPacket): Promise<Greeting> {
  const options = parseOptions(mysqlOptions, target.options);
  const stream = new PacketStream(upstream, (bytes) => {
    upstream.greet(bytes);
  });
  const deadlineMs = performance.now() + limits.dialMs;
  const greeting = parseGreeting(orError(await stream.next(deadlineMs)));
  // Reports of progress are the gateway's own.
  const flags =
    ((login.capabilities & offered & greeting.capabilities & ~capabilities.progress) | capabilities.pluginAuthentication | capabilities.longAuthentication) >>>
    0;
  if ((login.capabilities & offered & needed & ~greeting.capabilities) !== 0 || !can(greeting.capabilities, capabilities.pluginAuthentication)) {
    throw new GatewayError('target_login_failed', `The target is an older server (${greeting.version}) than MySQL 5.7.5 or MariaDB 10.2.`);
  }
  const own: LoginPacket = { ...login, capabilities: flags, response: Buffer.alloc(0), plugin: greeting.plugin };
  const mode = tlsMode(target);
  if (mode !== 'off') {
    if (!can(greeting.capabilities, capabilities.tls)) {
      throw new GatewayError('target_tls_failed', 'The target offers no TLS, which its option tls asks for.');
    }
    stream.send(composeTlsRequest({ ...own, capabilities: flags | capabilities.tls }));
    stream.release();
    await upstream.startTls({ mode, ...(options.caFile === undefined ? {} : { caFile: options.caFile }) });
  }
  const password = Buffer.from(target.password?.() ?? '');
  const prover = new Prover(upstream, options, password);
  const response = prover.allows(greeting.plugin) ? prover.answer(greeting.plugin, greeting.challenge) : Buffer.alloc(0);
  stream.send(composeLogin({ ...own, response, capabilities: mode === 'off' ? flags : flags | capabilities.tls }));
  await prove(stream, prover, { greeting, deadlineMs });
  stream.release();
  return greeting;
}

/** Answers what the target asks until the login succeeds. It may change the way of logging in once. */
async function prove(
  stream: PacketStream,
  prover: Prover,
  { greeting, deadlineMs }: { readonly greeting: Greeting; readonly deadlineMs: number },
): Promise<void> {
  let { plugin, challenge } = greeting;
  let [hasSwitched, hasShown] = [false, false];
  for (;;) {
    const payload = orError(await stream.next(deadlineMs));
    const reader = new PayloadReader(payload, 1);
    switch (payload[0]) {
      case marks.ok:
        return;
      case marks.eof:
        if (hasSwitched) {
          throw new GatewayError('malformed', 'It changes the way of logging in more than once.');
        }
        hasSwitched = true;
        plugin = reader.left === 0 ? 'mysql_old_password' : reader.cstring();
        challenge = reader.left === 0 ? Buffer.alloc(0) : reader.rest();
        challenge = challenge.at(-1) === 0 ? challenge.subarray(0, -1) : challenge;
        prover.assertAllows(plugin);
        stream.send(prover.answer(plugin, challenge));
        break;
      case marks.more:
        if (plugin !== plugins.sha2 || hasShown) {
          throw new GatewayError('malformed', 'It asks for more than its way of logging in has.');
        }
        prover.assertAllows(plugin);
        if (reader.uint8() === sha2.askPassword) {
          hasShown = true;
          stream.send(await prover.show(challenge));
        }
        break;
      default:
        throw new GatewayError('malformed', 'It sent something else than a question for the login.');
    }
  }
}

/** Proves the gateway's credential to a target, which is not trusted. */
class Prover {
  readonly #upstream: Upstream;
  readonly #options: MysqlOptions;
  readonly #password: Buffer;

  constructor(upstream: Upstream, options: MysqlOptions, password: Buffer) {
    this.#upstream = upstream;
    this.#options = options;
    this.#password = password;
  }

  allows(plugin: string): boolean {
    return this.#options.authentication.some((each) => each === plugin) && (plugin !== plugins.clear || this.#upstream.isEncrypted);
  }

  /** Throws GatewayError `target_login_failed` for a way that the options do not allow, or that would show the password. */
  assertAllows(plugin: string): void {
    if (!this.allows(plugin)) {
      const reason =
        plugin === plugins.clear && !this.#upstream.isEncrypted
          ? 'which shows the password, and the connection to it has no TLS'
          : 'which is not allowed for it';
      throw new GatewayError('target_login_failed', `The target wants the login by ${JSON.stringify(plugin.slice(0, 64))}, ${reason} (option authentication).`);
    }
  }

  /** Answers a challenge. */
  answer(plugin: string, challenge: Buffer): Buffer {
    switch (plugin) {
      case plugins.native:
        return answerNative(this.#password, challenge);
      case plugins.sha2:
        return answerSha2(this.#password, challenge);
      case plugins.ed25519:
        return answerEd25519(this.#password, challenge);
      default:
        return withZero(this.#password);
    }
  }

  /** Shows the password itself to a server that does not have it in its cache. */
  async show(challenge: Buffer): Promise<Buffer> {
    if (this.#upstream.isEncrypted) {
      return withZero(this.#password);
    }
    const { publicKeyFile } = this.#options;
    if (publicKeyFile === undefined) {
      throw new GatewayError(
        'target_login_failed',
        'The target asks for the password itself (caching_sha2_password), and the connection to it has no TLS: set its option tls, or publicKeyFile.',
      );
    }
    try {
      return encryptPassword(this.#password, challenge, createPublicKey(await readFile(publicKeyFile)));
    } catch (cause) {
      throw new GatewayError('target_login_failed', `The public key of the target cannot be used (option publicKeyFile ${publicKeyFile}).`, { cause });
    }
  }
}

/** Returns a payload that is no error. Throws GatewayError `target_login_failed`. */
function orError(payload: Buffer | null): Buffer {
  if (payload === null) {
    throw new GatewayError('target_login_failed', 'The target closed the connection during the login.');
  }
  if (payload[0] === marks.error) {
    const { code } = parseError(payload);
    // The client does not get the target's words about the gateway's own credential, because it would think that its own is wrong.
    throw new GatewayError(
      'target_login_failed',
      code === 1045 || code === 1698
        ? 'The target refused the login: it does not accept the credential the gateway has for it'
        : `The target refused the login with its error ${code}.`,
    );
  }
  return payload;
}
