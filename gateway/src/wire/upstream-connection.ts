import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Limits } from '../domain/limits.ts';
import type { Upstream, UpstreamTls } from '../domain/protocol.ts';
import { handshake } from './connection.ts';
import { SocketStream } from './socket-stream.ts';

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
  /** Gives up dialling. */
  readonly signal: AbortSignal;
}

/** Errors: `target_unreachable`, `deadline_exceeded`. */
export async function dial(options: DialOptions): Promise<UpstreamConnection> {
  const { host, port, limits, signal } = options;
  const socket = connect({ host, port, noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    reject(new GatewayError('target_unreachable', `The target did not answer within ${limits.dialMs} ms.`));
  }, limits.dialMs);
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  socket.once('connect', resolve);
  socket.once('error', (cause) => {
    const code = 'code' in cause ? String(cause.code) : 'error';
    reject(new GatewayError('target_unreachable', `The target cannot be reached (${code}).`, { cause }));
  });
  try {
    signal.throwIfAborted();
    await promise;
    socket.removeAllListeners('error');
    return new UpstreamConnection(socket, options);
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Our connection to a target. */
export class UpstreamConnection extends SocketStream implements Upstream {
  readonly #options: DialOptions;
  #secure: TLSSocket | null = null;

  constructor(socket: Socket, options: DialOptions) {
    super(socket);
    this.#options = options;
  }

  get isEncrypted(): boolean {
    return this.#secure !== null;
  }

  tlsServerEndPoint(): Buffer | null {
    const certificate = this.#secure?.getPeerCertificate(true).raw;
    if (certificate === undefined) {
      return null;
    }
    return createHash(endPointHash(certificate)).update(certificate).digest();
  }

  async startTls(tls: UpstreamTls): Promise<void> {
    if (this.heldBytes > 0) {
      throw new GatewayError('target_tls_failed', 'The target sent bytes in the clear behind its answer to the request for TLS.');
    }
    const { host, limits } = this.#options;
    const secure = connectTls({
      socket: this.detach(),
      rejectUnauthorized: tls.mode === 'verify-full',
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(tls.mode === 'verify-full' ? { host } : { checkServerIdentity: () => undefined }),
      ...(tls.caFile === undefined ? {} : { ca: readCa(tls.caFile) }),
      ...(tls.alpnProtocols === undefined ? {} : { ALPNProtocols: [...tls.alpnProtocols] }),
    });
    try {
      await handshake(secure, 'secureConnect', limits.dialMs);
    } catch (cause) {
      throw new GatewayError('target_tls_failed', `TLS with the target failed. ${cause instanceof Error ? cause.message : ''}`, { cause });
    }
    this.#secure = secure;
    this.replace(secure);
  }

  greet(bytes: Uint8Array): void {
    this.write(bytes);
  }

  forward(grant: Grant): void {
    const bytes = grant.spend();
    const [only] = bytes;
    if (bytes.length === 1 && only !== undefined) {
      this.write(only);
    } else {
      this.writeAll(bytes);
    }
  }
}

function readCa(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new GatewayError('target_tls_failed', `The CA file ${file} cannot be read.`, { cause });
  }
}

/** RFC 5929 §4.1: the hash of the certificate's signature, SHA-256 in place of weaker ones. */
function endPointHash(certificate: Buffer): string {
  const { signatureAlgorithm = '' } = new X509Certificate(certificate);
  const [, bits = '256'] = /sha-?(384|512)/i.exec(signatureAlgorithm) ?? [];
  return `sha${bits}`;
}
