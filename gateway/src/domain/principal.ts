import type { GatewayError } from './errors.ts';

/** Who asks: a human or an agent, authenticated; may act on behalf of another principal. */
export interface Principal {
  readonly id: string;
  readonly kind: 'human' | 'agent';
  readonly groups: readonly string[];
  /** Names of the targets this principal was granted. */
  readonly targets: readonly string[];
}

/** How a credential ended. */
export interface CredentialEnd {
  readonly reason: 'revoked' | 'expired' | 'removed';
  readonly error: GatewayError;
}

/** Whether a credential still stands. Every action asks, so an answer costs a comparison of two numbers. */
export interface Standing {
  /** Whom it speaks for, as the configuration has it now. */
  readonly principal: Principal;
  /** How it ended; null while it stands. */
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
  /** What a run was given: of what its principal was granted, it reaches this and nothing else. */
  readonly targets?: readonly string[];
}
