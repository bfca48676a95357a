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

/** Describes in a few words a failure of the operating system or of OpenSSL. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}
