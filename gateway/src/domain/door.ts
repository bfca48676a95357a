import type { Channel } from './channel.ts';
import type { GatewayError } from './errors.ts';
import type { Limits } from './limits.ts';

/** Before authentication: the only thing to do is to prove who one is and name a target. */
export interface Door {
  readonly limits: Limits;
  /**
   * Opens a channel in a session (the run's, or a new one). Errors: `unauthenticated`, `throttled`, `unknown_target`, `refused`,
   * `cannot_record`, `stopping`. A refused attempt is recorded with address and reason before this rejects.
   */
  authenticate(credential: Credential): Promise<Channel>;
  /** Records that a client is turned away before it has shown a credential. Errors: `cannot_record`. */
  turnedAway(error: GatewayError): Promise<void>;
  /** Delivers a signal (a cancel key) to whichever channel registered it; false when nobody did. */
  signal(key: Uint8Array): Promise<boolean>;
}

export interface Credential {
  readonly token: string;
  readonly target: string;
  /** Name the client gave for itself; recorded, never trusted. */
  readonly user: string;
  readonly clientAddress: string;
}
