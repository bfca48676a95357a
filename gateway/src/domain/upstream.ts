import type { ByteStream } from './byte-stream.ts';
import type { Grant } from './grant.ts';

/** Our connection to the target. Login bytes are the gateway's own (`greet`); everything for the client goes through a grant. */
export interface Upstream extends ByteStream {
  readonly isEncrypted: boolean;
  /** The hash of the server's certificate for `tls-server-end-point` channel binding (RFC 5929); null without TLS. */
  tlsServerEndPoint(): Buffer | null;
  /** Client side of TLS. Bytes read in the clear and not consumed make it fail (ATTACKS A2). Errors: `target_tls_failed`. */
  startTls(options: UpstreamTls): Promise<void>;
  /** Bytes of the gateway's own: login, cancel, goodbye. Never a client's. */
  greet(bytes: Uint8Array): void;
  /** Forwards an authorised request. */
  forward(grant: Grant): void;
}

export interface UpstreamTls {
  /** `require` encrypts; `verify-full` also checks chain and name. */
  readonly mode: 'require' | 'verify-full';
  readonly caFile?: string;
  readonly alpnProtocols?: readonly string[];
}
