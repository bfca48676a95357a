const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'it closed the connection',
};

/** Describes in a few words why a connection failed. */
export function dialFailure(error: Error & { readonly code?: string }): string {
  return dialFailures[error.code ?? ''] ?? (error.code === undefined || error.code === '' ? reasonOf(error) : error.code);
}

/** The codes of certificates whose authority is not one of those that are trusted. */
const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Describes in a few words a failure of the operating system or of OpenSSL. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if ('code' in error && typeof error.code === 'string' && untrusted.has(error.code)) {
    // Node appends advice for whoever starts a program.
    const [words = ''] = error.message.split('; ');
    return `${words}: name the authority of its certificate in the configuration, as sslrootcert or caFile`;
  }
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}
