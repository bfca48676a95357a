import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Limits } from '../domain/limits.ts';
import type { Upstream, UpstreamTls } from '../domain/upstream.ts';
import { dialFailure } from './dial-failure.ts';
import { SocketStream } from './socket-stream.ts';
import { handshake, reasonOf } from './tls.ts';

const keepAliveMs = 60_000;

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
  /** Gives up when aborted, with its reason. */
  readonly signal?: AbortSignal;
}

/** TCP to a target. Errors: `target_unreachable`, or the signal's reason. */
export async function dial(options: DialOptions): Promise<UpstreamConnection> {
  const { host, port, limits, signal } = options;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connectTcp({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  });
  const unreachable = (reason: string, cause?: unknown): void => {
    const message = `The target at ${host}:${port} cannot be reached: ${reason}. Check its address, and that it accepts connections from the gateway.`;
    reject(new GatewayError('target_unreachable', message, { cause }));
  };
  const onError = (error: Error): void => {
    unreachable(dialFailure(error), error);
  };
  const onAbort = (): void => {
    reject(signal?.reason);
  };
  const timer = setTimeout(() => {
    unreachable(`no answer within ${limits.dialMs / 1000} s`);
  }, limits.dialMs);
  socket.once('connect', resolve);
  socket.on('error', onError);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
    return new UpstreamConnection(socket, { host, handshakeMs: limits.dialMs });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off('connect', resolve);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Our connection to a target. */
export class UpstreamConnection extends SocketStream implements Upstream {
  readonly #host: string;
  readonly #handshakeMs: number;

  constructor(socket: Socket, options: { readonly host: string; readonly handshakeMs: number }) {
    super(socket);
    this.#host = options.host;
    this.#handshakeMs = options.handshakeMs;
  }

  get isEncrypted(): boolean {
    return this.socket instanceof TLSSocket;
  }

  greet(bytes: Uint8Array): void {
    this.send(bytes);
  }

  forward(grant: Grant): void {
    const [first, ...rest] = grant.spend();
    if (first === undefined) {
      return;
    }
    if (rest.length === 0) {
      this.send(first);
      return;
    }
    this.cork();
    this.send(first);
    for (const bytes of rest) {
      this.send(bytes);
    }
    this.uncork();
  }

  async startTls(options: UpstreamTls): Promise<void> {
    const ca = options.caFile === undefined ? undefined : await readCaFile(options.caFile);
    if (this.hasUnread) {
      this.destroy();
      throw new GatewayError('target_tls_failed', 'The target sent unencrypted bytes behind its answer to the request for TLS: somebody may sit in between.');
    }
    const secured = this.wrap((inner) =>
      connectTls({
        socket: inner,
        // The name that the certificate is checked for; the name sent to the server (SNI) may not be an address.
        host: this.#host,
        ...(isIP(this.#host) === 0 ? { servername: this.#host } : {}),
        rejectUnauthorized: options.mode === 'verify-full',
        ...(ca === undefined ? {} : { ca }),
        ...(options.alpnProtocols === undefined ? {} : { ALPNProtocols: [...options.alpnProtocols] }),
      }),
    );
    try {
      await handshake(secured, 'secureConnect', this.#handshakeMs);
    } catch (cause) {
      throw new GatewayError('target_tls_failed', `TLS with the target at ${this.#host} failed: ${reasonOf(cause)}.`, { cause });
    }
  }

  /** Null also for a certificate whose signature names no hash (Ed25519): the binding is then undefined (RFC 5929, 4.1). */
  tlsServerEndPoint(): Buffer | null {
    const certificate = this.socket instanceof TLSSocket ? this.socket.getPeerX509Certificate() : undefined;
    const named = /md5|sha-?\d+/i
      .exec(certificate?.signatureAlgorithm ?? '')?.[0]
      .toLowerCase()
      .replace('-', '');
    if (certificate === undefined || named === undefined) {
      return null;
    }
    return hash(named === 'md5' || named === 'sha1' ? 'sha256' : named, certificate.raw, 'buffer');
  }
}

async function readCaFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new GatewayError('target_tls_failed', `The CA file ${path} cannot be read: ${reasonOf(cause)}.`, { cause });
  }
}
