import type { GatewayError } from './errors.ts';

/** The human or agent that makes a request. It has been authenticated, and may act on behalf of another principal. */
export interface Principal {
  readonly id: string;
  readonly kind: 'human' | 'agent';
  readonly groups: readonly string[];
  /** Names of the targets this principal was granted. */
  readonly targets: readonly string[];
}

/** The reason for which a credential ended, with the error for its client. */
export interface CredentialEnd {
  readonly reason: 'revoked' | 'expired' | 'removed';
  readonly error: GatewayError;
}

/** Tells whether a credential still stands. Every action asks, so an answer costs a comparison of two numbers. */
export interface Standing {
  /** The principal that the credential speaks for, as the configuration has it now. */
  readonly principal: Principal;
  /** The end of the credential; null while it stands. */
  ended(): CredentialEnd | null;
  /** Calls back once when it ends, soon where it has. Returns what takes the call back. */
  onEnd(act: (end: CredentialEnd) => void): () => void;
}

/** A principal as proven by a credential. */
export interface Identity {
  readonly principal: Principal;
  readonly onBehalfOf?: string;
  /** The public id of the token that proved it, for the record; never the token. */
  readonly tokenId: string;
  readonly standing: Standing;
  /** A run token speaks only inside its session. */
  readonly session?: string;
  /** The names of targets that a run was given: of those granted to its principal, it reaches these and no others. */
  readonly targets?: readonly string[];
}
