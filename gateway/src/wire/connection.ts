import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import type { Client, TunnelIdentity } from '../domain/protocol.ts';
import { SocketStream } from './socket-stream.ts';

export interface ConnectionOptions {
  /** The listener's certificate, if it has one. */
  readonly tls?: SecureContext | undefined;
  readonly tunnel?: TunnelIdentity | undefined;
  /** For the TLS handshake. */
  readonly handshakeMs: number;
}

/** An accepted connection. */
export class Connection extends SocketStream implements Client {
  readonly address: string;
  readonly tunnel: TunnelIdentity | null;
  readonly #options: ConnectionOptions;
  #encrypted = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    super(socket);
    socket.setNoDelay(true);
    this.#options = options;
    this.tunnel = options.tunnel ?? null;
    this.address = normalizeAddress(socket.remoteAddress ?? '');
  }

  get isLoopback(): boolean {
    return this.address === '::1' || /^127\./.test(this.address);
  }

  get isEncrypted(): boolean {
    return this.#encrypted;
  }

  get canStartTls(): boolean {
    return this.#options.tls !== undefined;
  }

  async startTls(options: { readonly direct: boolean; readonly alpnProtocols?: readonly string[] }): Promise<void> {
    if (!options.direct && this.heldBytes > 0) {
      throw new GatewayError('malformed', 'Bytes in the clear followed the request for TLS.');
    }
    const secure = new TLSSocket(this.detach(), {
      isServer: true,
      ...(this.#options.tls === undefined ? {} : { secureContext: this.#options.tls }),
      ...(options.alpnProtocols === undefined ? {} : { ALPNProtocols: [...options.alpnProtocols] }),
    });
    await handshake(secure, 'secure', this.#options.handshakeMs);
    this.#encrypted = true;
    this.replace(secure);
  }
}

/** Resolves when the TLS layer says `event`. Errors: `malformed`, `deadline_exceeded`. */
export async function handshake(socket: TLSSocket, event: 'secure' | 'secureConnect', limitMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error?: Error): void => {
    reject(new GatewayError('malformed', `The TLS handshake failed: ${error?.message ?? 'the other side closed'}.`, { cause: error }));
  };
  const timer = setTimeout(() => {
    reject(new GatewayError('deadline_exceeded', 'The TLS handshake took too long.'));
  }, limitMs);
  const close = (): void => {
    fail();
  };
  socket.once(event, resolve);
  socket.once('error', fail);
  socket.once('close', close);
  try {
    await promise;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off('error', fail);
    socket.off('close', close);
  }
}

/** An IPv4 address that came in over IPv6 is the IPv4 address. */
export function normalizeAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
