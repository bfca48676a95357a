import type { ByteStream } from './byte-stream.ts';

/** The accepted connection. Implemented by `wire/connection.ts` over a socket. */
export interface Client extends ByteStream {
  readonly address: string;
  readonly isLoopback: boolean;
  readonly isEncrypted: boolean;
  /** Set when the connection came through an authenticated tunnel: the credential is already known. */
  readonly tunnel: TunnelIdentity | null;
  /** Queues bytes for the peer. */
  write(bytes: Uint8Array): void;
  /** The listener has a certificate. */
  readonly canStartTls: boolean;
  /**
   * Server side of TLS. Bytes that were read in the clear and not consumed make it fail with `malformed` (ATTACKS A2). `unread` bytes of
   * a direct TLS hello are given to the handshake when `direct`.
   */
  startTls(options: { readonly direct: boolean; readonly alpnProtocols?: readonly string[] }): Promise<void>;
}

export interface TunnelIdentity {
  readonly token: string;
  readonly target: string;
}
