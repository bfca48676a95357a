import type { ByteStream } from './byte-stream.ts';
import type { Grant } from './grant.ts';

/** The gateway's connection to a target. The gateway sends its own login bytes with `greet`; bytes of a client need a grant. */
export interface Upstream extends ByteStream {
  readonly isEncrypted: boolean;
  /** Returns the hash of the server's certificate for the channel binding `tls-server-end-point` (RFC 5929); null without TLS. */
  tlsServerEndPoint(): Buffer | null;
  /** Changes to TLS as its client. Rejects with GatewayError `target_tls_failed`, also if bytes were read unencrypted and not consumed (ATTACKS A2). */
  startTls(options: UpstreamTls): Promise<void>;
  /** Sends bytes of the gateway's own: login, cancel, goodbye, questions. Nothing that a client asks for is done by them. */
  greet(bytes: Uint8Array): void;
  /** Forwards an authorised request. */
  forward(grant: Grant): void;
}

export interface UpstreamTls {
  /** `require` encrypts. `verify-full` also checks the certificate's chain and name. */
  readonly mode: 'require' | 'verify-full';
  readonly caFile?: string;
  readonly alpnProtocols?: readonly string[];
}
