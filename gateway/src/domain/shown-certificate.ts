import type { Attributes } from './action.ts';

/** The certificate that a client showed, or a bare public key, and of which it has the private key: the handshake proved that. */
export interface ShownCertificate {
  /**
   * The names by which the configuration may bind it to a principal: `uri:`, `dns:`, `email:` and the name, and `sha256:` and its digest; `key:` and a bare public key in base64;
   * `ssh:`, the key of the authority in base64, `:` and a principal of a certificate of OpenSSH.
   */
  readonly names: readonly string[];
  /** True if it is a bare public key. Absent: it is a certificate. */
  readonly isKey?: true;
  /** The SHA-256 digest of the certificate or the key, hexadecimal. */
  readonly sha256: string;
  /** When it ends, in milliseconds since 1970, UTC. */
  readonly expiresMs: number;
  /** Why it is not accepted, whoever it names, without a full stop. Null: it is. */
  readonly fault: string | null;
  /** The attributes that are recorded when its client is admitted. Absent: its digest is. */
  readonly signed?: Attributes;
}
