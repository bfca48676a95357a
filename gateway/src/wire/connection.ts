import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isLoopback, plainAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Client, TunnelIdentity } from '../domain/client.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import { answerTls, certificateOf, type ServerTls } from './server-tls.ts';
import { SocketStream } from './socket-stream.ts';
import { reasonOf } from './failure-reason.ts';
import { handshake } from './tls.ts';

export interface ConnectionOptions {
  /** The certificate for `startTls`. Null: there is none, and `startTls` must not be called. */
  readonly certificate: ServerTls | null;
  /** The longest time in ms that a TLS handshake may take. */
  readonly loginMs: number;
  readonly tunnel?: TunnelIdentity;
}

/** A connection of a client that was accepted. */
export class Connection extends SocketStream implements Client {
  readonly address: string;
  readonly isLoopback: boolean;
  readonly tunnel: TunnelIdentity | null;
  readonly #options: ConnectionOptions;

  constructor(socket: Socket, options: ConnectionOptions) {
    super(socket);
    socket.setNoDelay(true);
    this.#options = options;
    this.address = addressOf(socket);
    this.isLoopback = isLoopback(this.address);
    this.tunnel = options.tunnel ?? null;
  }

  get isEncrypted(): boolean {
    return this.socket instanceof TLSSocket;
  }

  get canStartTls(): boolean {
    return this.#options.certificate !== null && !this.isEncrypted;
  }

  get certificate(): ShownCertificate | null {
    return certificateOf(this.socket, { authorities: this.#options.certificate?.authorities ?? [] });
  }

  write(bytes: Uint8Array): void {
    this.send(bytes);
  }

  /** Changes to TLS. Rejects with GatewayError `malformed`; the connection is then closed. */
  async startTls(options: { readonly direct: boolean; readonly alpnProtocols?: readonly string[] }): Promise<void> {
    const { certificate, loginMs } = this.#options;
    if (certificate === null || this.isEncrypted) {
      throw new GatewayError('unsupported', 'This connection cannot begin TLS here.');
    }
    if (options.direct) {
      this.giveBack();
    } else if (this.hasUnread) {
      // Somebody between client and gateway could have inserted these bytes. They must not pass for bytes that came under TLS.
      this.destroy();
      throw new GatewayError('malformed', 'Unencrypted bytes followed the request for TLS.');
    }
    const ALPNProtocols = [...(options.alpnProtocols ?? [])];
    const secured = this.wrap((inner) => answerTls(inner, certificate, ALPNProtocols));
    try {
      await handshake(secured, 'secure', loginMs);
    } catch (cause) {
      throw new GatewayError('malformed', `The TLS handshake failed: ${reasonOf(cause)}.`, {
        cause,
      });
    }
    if (options.direct && ALPNProtocols.length > 0 && secured.alpnProtocol === false) {
      // Without ALPN, a client that begins with TLS may have meant a server of another protocol (ALPACA).
      this.destroy();
      throw new GatewayError('malformed', `Direct TLS must ask for ${ALPNProtocols.join(' or ')} by ALPN.`);
    }
  }
}

export function addressOf(socket: Socket): string {
  return plainAddress(socket.remoteAddress);
}
