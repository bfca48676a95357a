import type { ByteStream } from './byte-stream.ts';
import type { ShownCertificate } from './shown-certificate.ts';

/** A connection of a client that was accepted. `wire/connection.ts` implements it over a socket. */
export interface Client extends ByteStream {
  readonly address: string;
  readonly isLoopback: boolean;
  readonly isEncrypted: boolean;
  /** The certificate that the client showed. Null: it showed none. */
  readonly certificate: ShownCertificate | null;
  /** The identity of the client if the connection came through a tunnel that was authenticated, otherwise null. */
  readonly tunnel: TunnelIdentity | null;
  /** Queues bytes for the client. */
  write(bytes: Uint8Array): void;
  /** True if the listener has a certificate. */
  readonly canStartTls: boolean;
  /**
   * Changes to TLS as its server. Rejects with GatewayError `malformed` if bytes were read unencrypted and not consumed (ATTACKS A2). If `direct`, the bytes
   * that were given back begin the handshake.
   */
  startTls(options: { readonly direct: boolean; readonly alpnProtocols?: readonly string[] }): Promise<void>;
}

export interface TunnelIdentity {
  readonly token: string;
  readonly target: string;
}
