/** The certificate that a client showed and whose key it has: the TLS handshake proved that. */
export interface ShownCertificate {
  /** The names by which the configuration may bind it to a principal: `uri:`, `dns:`, `email:` and the name, and `sha256:` and its digest. */
  readonly names: readonly string[];
  /** The SHA-256 digest of the certificate, hexadecimal. */
  readonly sha256: string;
  /** When it ends, in milliseconds since 1970, UTC. */
  readonly expiresMs: number;
  /** Why it is not accepted, whoever it names, without a full stop. Null: it is. */
  readonly fault: string | null;
}
