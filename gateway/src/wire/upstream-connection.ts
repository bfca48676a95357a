import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Upstream, UpstreamTls } from '../domain/upstream.ts';
import { dial, type Address, type DialOptions } from './dialer.ts';
import { SocketStream } from './socket-stream.ts';
import { reasonOf } from './failure-reason.ts';
import { handshake, tlsTo } from './tls.ts';

/** The gateway's connection to a target. */
export class UpstreamConnection extends SocketStream implements Upstream {
  readonly #host: string;
  readonly #handshakeMs: number;

  /**
   * Opens a connection over TCP, for a protocol that begins TLS by itself. Rejects with GatewayError `target_unreachable`, or with the reason of the signal.
   */
  static async dial(address: Address, options: Pick<DialOptions, 'dialMs' | 'signal'>): Promise<UpstreamConnection> {
    const { socket, ready } = dial(address, { ...options, tls: null, allowHalfOpen: true });
    await ready;
    return new UpstreamConnection(socket, { host: address.host, handshakeMs: options.dialMs });
  }

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
      throw new GatewayError(
        'target_tls_failed',
        'The target sent unencrypted bytes after its answer to the request for TLS: somebody may be intercepting the connection.',
      );
    }
    const tls = tlsTo(this.#host, { verify: options.mode === 'verify-full', alpnProtocols: options.alpnProtocols ?? [] });
    const secured = this.wrap((socket) => connectTls({ socket, ...tls, ...(ca === undefined ? {} : { ca }) }));
    try {
      await handshake(secured, 'secureConnect', this.#handshakeMs);
    } catch (cause) {
      throw new GatewayError('target_tls_failed', `TLS with ${this.#host} failed: ${reasonOf(cause)}.`, { cause });
    }
  }

  /**
   * The binding data of the server's certificate. Null also if the certificate's signature names no hash (Ed25519), because the binding is then undefined (RFC
   * 5929, 4.1).
   */
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
