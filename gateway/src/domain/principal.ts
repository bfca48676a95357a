/** Who asks: a human or an agent, authenticated; may act on behalf of another principal. */
export interface Principal {
  readonly id: string;
  readonly kind: 'human' | 'agent';
  readonly groups: readonly string[];
  /** Names of the targets this principal was granted. */
  readonly targets: readonly string[];
}

/** A principal as proven by a credential. */
export interface Identity {
  readonly principal: Principal;
  readonly onBehalfOf?: string;
  /** The public id of the token that proved it, for the record; never the token. */
  readonly tokenId: string;
  /** A run token speaks only inside its session. */
  readonly session?: string;
}
