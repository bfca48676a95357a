import type { GatewayError } from './errors.ts';

/** The human or agent that makes a request. It has been authenticated, and may act on behalf of another principal. */
export interface Principal {
  readonly id: string;
  readonly kind: 'human' | 'agent';
  readonly groups: readonly string[];
  /** The names of the targets that the principal may use. */
  readonly targets: readonly string[];
}

/** The reason for which a credential ended, with the error for its client. */
export interface CredentialEnd {
  readonly reason: 'revoked' | 'expired' | 'removed' | 'suspended' | 'unconfirmed';
  readonly error: GatewayError;
  /** Who ended it and why, if that is recorded with the sessions that end with it. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Tells whether a credential is still valid. It is asked for every action, so the answer costs only a comparison of two numbers. */
export interface Standing {
  /** The principal of the credential, as the configuration has it now. */
  readonly principal: Principal;
  /** When the credential ends by itself, in milliseconds since 1970, UTC; `Infinity` if it does not. */
  readonly expiresMs: number;
  /** The end of the credential; null while it is valid. */
  ended(): CredentialEnd | null;
  /** Calls back once when the credential ends, or soon if it has ended. Returns a function that cancels this. */
  onEnd(act: (end: CredentialEnd) => void): () => void;
}

/** How an issuer of tokens names whom it vouched for. */
export interface Issued {
  /** The address of the issuer, its claim `iss`. */
  readonly issuer: string;
  /** The claim `sub` of the principal, by which the issuer will always know it. */
  readonly subject: string;
  /** The claim `sub` of whom the principal acts on behalf of. */
  readonly behalfSubject?: string;
}

/** A principal whose identity a credential proved. */
export interface Identity {
  readonly principal: Principal;
  readonly onBehalfOf?: string;
  /** Who vouched for it, if that is an issuer. */
  readonly issued?: Issued;
  /** When the person signed in, in milliseconds since 1970, UTC. Null: the issuer does not say so. Absent: nobody signs in with this credential. */
  readonly signedInMs?: number | null;
  /** The id of the activity to which the tokens belong that an issuer makes one after the other for the same sign-in. Absent: the token has an activity of its own. */
  readonly activity?: string;
  /** The SHA-256 digest of the certificate that proved the identity, hexadecimal. Absent: a token did. */
  readonly certificate?: string;
  /** The SHA-256 digest of the bare public key that proved the identity, hexadecimal. Absent: something else did. */
  readonly key?: string;
  /** The public id of the token that proved the identity, for the record. It is never the token itself. */
  readonly tokenId: string;
  readonly standing: Standing;
  /** The id of the run's session, for the token of a run: it is valid only in that session. */
  readonly session?: string;
  /** The names of the targets that a run was given. It reaches only these, and only those of them that its principal may use. */
  readonly targets?: readonly string[];
}
