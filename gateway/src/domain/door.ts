import type { Channel } from './channel.ts';
import type { ClientClaims } from './client-claims.ts';
import type { GatewayError } from './errors.ts';
import type { Limits } from './limits.ts';
import type { ShownCertificate } from './shown-certificate.ts';

/** A client before its authentication. All it can do is prove its identity and name a target. */
export interface Door {
  readonly limits: Limits;
  /**
   * Opens a channel in the run's session or in a new one. Rejects with GatewayError `unauthenticated`, `throttled`, `unknown_target`, `refused`,
   * `cannot_record` or `stopping`. A refusal is recorded with address and reason before this rejects.
   */
  authenticate(credential: Credential): Promise<Channel>;
  /** True if a certificate stands for a principal, so that its client needs no token. */
  knows(certificate: ShownCertificate): boolean;
  /** Records that a client is refused before it has presented a credential. Rejects with GatewayError `cannot_record`. */
  turnedAway(error: GatewayError): Promise<void>;
  /** Delivers a signal (a cancel key) to the channel that registered the key. Resolves with false if none did. */
  signal(key: Uint8Array): Promise<boolean>;
}

export interface Credential {
  /** Empty: the client shows none. */
  readonly token: string;
  /** The certificate that the client showed, which counts if there is no token. */
  readonly certificate?: ShownCertificate | null;
  readonly target: string;
  /** The user name that the client gave. It is recorded and never trusted. */
  readonly user: string;
  readonly clientAddress: string;
  /** The claims of the client about its own software. They are recorded and never trusted. */
  readonly claims: ClientClaims;
}
