/** Finds the way from a certificate to an authority that is trusted (RFC 5280, 6.1). Whether one was revoked is not asked: that takes a network. */
import type { Certificate } from './certificate.ts';
import { isSameDer } from './der.ts';
import { verifySignature } from './pki-signature.ts';
import { equalBytes } from './proof.ts';

/** Most certificates between the first and the trusted one. */
const betweenMax = 8;
/** Most signatures that are checked. */
const checksMax = 64;
const anyPurpose = '2.5.29.37.0';

interface ChainOptions {
  /** Certificates that may be on the way. */
  readonly others: readonly Certificate[];
  readonly trusted: readonly Certificate[];
  /** Each certificate must be valid at this time, in Unix ms. */
  readonly atMs: number;
  /** The purpose that each authority must allow, as an object identifier. */
  readonly purpose: string;
}

/** Returns null if a certificate descends from a trusted one, otherwise why not. Rejects as `verifySignature` does. */
export async function whyNotTrusted(certificate: Certificate, options: ChainOptions): Promise<string | null> {
  const { trusted, others, atMs } = options;
  if (!isUsable(certificate, atMs)) {
    return 'the certificate of the signer was not valid at that time, or has a critical extension that is not known';
  }
  const checks = { left: checksMax };
  const descends = async (child: Certificate, between: number): Promise<boolean> => {
    if (trusted.some(({ bytes }) => equalBytes(bytes, child.bytes))) {
      return true;
    }
    for (const [isTrusted, parent] of [...trusted.map((one) => [true, one] as const), ...others.map((one) => [false, one] as const)]) {
      const isCandidate = isSameDer(parent.subject, child.issuer) && isAuthority(parent, between, options);
      if (
        isCandidate &&
        checks.left > 0 &&
        (await hasSigned(parent, child, checks)) &&
        (isTrusted || (between < betweenMax && (await descends(parent, between + 1))))
      ) {
        return true;
      }
    }
    return false;
  };
  return (await descends(certificate, 0)) ? null : 'the certificate of the signer does not descend from a trusted authority that was valid at that time';
}

function isUsable({ fromMs, untilMs, hasUnknown }: Certificate, atMs: number): boolean {
  return fromMs <= atMs && atMs <= untilMs && !hasUnknown;
}

function isAuthority(certificate: Certificate, between: number, { atMs, purpose }: ChainOptions): boolean {
  const { authority, keyUsage, purposes } = certificate;
  const allows = purposes === null || purposes.names.includes(purpose) || purposes.names.includes(anyPurpose);
  return authority !== null && authority.below >= between && keyUsage?.signsCertificates !== false && allows && isUsable(certificate, atMs);
}

async function hasSigned(parent: Certificate, child: Certificate, checks: { left: number }): Promise<boolean> {
  checks.left -= 1;
  return verifySignature({
    publicKey: parent.publicKey,
    algorithm: child.signatureAlgorithm,
    message: child.signed,
    signature: child.signature,
  });
}
