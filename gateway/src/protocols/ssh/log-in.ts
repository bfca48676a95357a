import ssh2 from 'ssh2';
import type { Channel } from '../../domain/channel.ts';
import { GatewayError } from '../../domain/errors.ts';
import { parseOptions } from '../../domain/options.ts';
import { reasonOf } from '../../wire/failure-reason.ts';
import { algorithms } from './algorithms.ts';
import { ConnectionDuplex } from './duplex.ts';
import type { RelayedTarget } from '../../wire/relay-loop.ts';
import { sshOptions } from './options.ts';
import { RecordedTargetSide } from './replay.ts';
import { TargetSide } from './target-side.ts';

/** The algorithms with which a key of a type signs. */
const signatures: Readonly<Record<string, readonly string[]>> = { 'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'] };
const anySignatures = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'] as const;

/**
 * Logs in at the target, with the password or the private key that the gateway has for it. Rejects with GatewayError `target_unreachable` or `target_login_failed`, or with
 * the reason for which the session ended.
 */
export async function logIn(channel: Channel, user: string): Promise<RelayedTarget> {
  const { target, limits, signal } = channel;
  const upstream = await channel.connect();
  if (upstream instanceof RecordedTargetSide) {
    return upstream;
  }
  const connection = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  const keys = pinnedKeys(parseOptions(sshOptions, target.options).hostKeys);
  let isOther = false;
  try {
    connection.once('ready', () => {
      resolve(undefined);
    });
    connection.on('error', (error) => {
      reject(isOther ? otherKey() : explain(error));
    });
    connection.once('close', () => {
      reject(new GatewayError('target_login_failed', 'The target closed the connection during the login.'));
    });
    const socket = new ConnectionDuplex(upstream, (bytes) => {
      upstream.greet(bytes);
    });
    connection.connect({
      sock: socket,
      username: user,
      ...credential(target.password?.() ?? '', target.name),
      readyTimeout: limits.dialMs,
      algorithms: { ...algorithms, serverHostKey: keys === null ? [...anySignatures] : keys.signatures },
      hostVerifier: (key: Buffer) => {
        isOther = keys !== null && !keys.values.has(key.toString('base64'));
        return !isOther;
      },
    });
    await promise;
    return new TargetSide(connection, socket);
  } catch (error) {
    connection.destroy();
    upstream.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A secret that is a private key is used as one. Throws GatewayError `target_login_failed` for one that cannot be read. */
function credential(secret: string, name: string): { readonly privateKey: string } | { readonly password: string } {
  if (!secret.startsWith('-----BEGIN ')) {
    return { password: secret };
  }
  if (ssh2.utils.parseKey(secret) instanceof Error) {
    throw new GatewayError(
      'target_login_failed',
      `The private key of the target ${name} cannot be read: give it as ssh-keygen writes it, and without a passphrase.`,
    );
  }
  return { privateKey: secret };
}

/** Returns the keys that the target may show, and how they sign. Null: any. */
function pinnedKeys(
  hostKeys: 'any' | readonly string[],
): { readonly values: ReadonlySet<string>; readonly signatures: (typeof anySignatures)[number][] } | null {
  if (hostKeys === 'any') {
    return null;
  }
  const keys = hostKeys.map((key) => key.split(' '));
  const types = new Set(keys.flatMap(([type = '']) => signatures[type] ?? [type]));
  return { values: new Set(keys.map(([, value = '']) => value)), signatures: anySignatures.filter((each) => types.has(each)) };
}

function otherKey(): GatewayError {
  return new GatewayError(
    'target_login_failed',
    'The target showed another key than those of its option hostKeys: somebody may be intercepting the connection. If the target has a new key, add it there.',
  );
}

function explain(error: Error & { readonly level?: string }): GatewayError {
  return error.level === 'client-authentication'
    ? new GatewayError('target_login_failed', 'The target refused the login: it does not accept the credential the gateway has for it', { cause: error })
    : new GatewayError('target_login_failed', `The connection to the target failed: ${reasonOf(error)}.`, { cause: error });
}
