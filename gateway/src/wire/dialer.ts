import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import type { TargetFacts } from '../domain/target.ts';
import { dialFailure, reasonOf } from './failure-reason.ts';
import { isLinkLocal, LinkLocalError, lookupElsewhere } from './link-local.ts';
import { tlsTo } from './tls.ts';

const keepAliveMs = 60_000;

export type Address = Pick<TargetFacts, 'host' | 'port' | 'options'>;

export interface DialOptions {
  /** How TLS begins with the first byte; null: without TLS. */
  readonly tls: DialTls | null;
  /** The longest time in ms for resolving the name, TCP and TLS together. */
  readonly dialMs: number;
  /** True: the gateway's side stays open when the target ends its own. */
  readonly allowHalfOpen?: boolean;
  /** Ends the attempt when it is aborted; `ready` then rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface DialTls {
  readonly context: SecureContext;
  /** True: chain and name of the certificate are checked. */
  readonly verify: boolean;
  readonly alpnProtocols: readonly string[];
}

export interface Dialling {
  /** The socket. Bytes that are written to it are sent once it is ready. Destroying it ends the attempt. */
  readonly socket: Socket;
  /** Rejects with GatewayError `target_unreachable` or `target_tls_failed`, or with the signal's reason. The socket is then destroyed. */
  readonly ready: Promise<void>;
}

/**
 * Dials a target. All connections to targets are made here, and only to addresses that the target's option `linkLocal` allows: each address is checked when the
 * socket is told to connect to it. Throws the signal's reason if it is already aborted.
 */
export function dial(address: Address, options: DialOptions): Dialling {
  const { tls, dialMs, signal } = options;
  signal?.throwIfAborted();
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const socket = open(address, options);
  let isReached = false;
  const fail = (error: unknown): void => {
    settle();
    reject(error);
    socket.destroy();
  };
  const onError = (error: Error): void => {
    fail(isReached ? tlsFailure(address, error) : unreachable(address, error));
  };
  const onClose = (): void => {
    onError(new Error('the connection was closed'));
  };
  const onAbort = (): void => {
    fail(signal?.reason);
  };
  const onReady = (): void => {
    settle();
    resolve();
    socket.uncork();
  };
  const timer = setTimeout(() => {
    onError(new Error(`no answer within ${dialMs / 1000} s`));
  }, dialMs);
  const settle = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    socket.off('close', onClose);
  };
  // The socket holds the bytes that are written to it until the target is reached and, with TLS, its certificate is verified.
  socket.cork();
  socket.once('connect', () => {
    isReached = true;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
  });
  socket.once(tls === null ? 'connect' : 'secureConnect', onReady);
  // The listener stays, so that an error after this is never unhandled.
  socket.on('error', onError);
  socket.once('close', onClose);
  signal?.addEventListener('abort', onAbort, { once: true });
  return { socket, ready };
}

function open({ host, port, options: { linkLocal } }: Address, { tls, allowHalfOpen = false }: DialOptions): Socket {
  const isGuarded = linkLocal !== true;
  if (isGuarded && isLinkLocal(host)) {
    return new Socket().destroy(new LinkLocalError());
  }
  const tcp = { host, port, allowHalfOpen, ...(isGuarded ? { lookup: lookupElsewhere } : {}) };
  return tls === null ? connectTcp(tcp) : connectTls({ ...tcp, ...tlsTo(host, tls), secureContext: tls.context });
}

function unreachable({ host, port }: Address, cause: Error): GatewayError {
  const message =
    cause instanceof LinkLocalError
      ? `The address ${host} is link-local, or one at which a cloud serves a machine's metadata: the gateway dials such an address only for a target with the option linkLocal, and for no sink.`
      : `The target at ${host}:${port} cannot be reached: ${dialFailure(cause)}. Check its address, and that it accepts connections from the gateway.`;
  return new GatewayError('target_unreachable', message, { cause });
}

function tlsFailure({ host }: Address, cause: Error): GatewayError {
  return new GatewayError('target_tls_failed', `TLS with ${host} failed: ${reasonOf(cause)}.`, { cause });
}
