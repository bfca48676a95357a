/**
 * Operating errors: what can go wrong while everything of ours works. Each code stands in docs/errors.md
 * with what it means and what to do; a protocol folder puts it into its own words (`failures.ts`).
 */

export const errorCodes = [
  'config_invalid',
  'unauthenticated',
  'throttled',
  'unknown_target',
  'unknown_principal',
  'refused',
  'target_unreachable',
  'target_login_failed',
  'target_tls_failed',
  'target_refused_credential',
  'cannot_record',
  'catching_up',
  'halted',
  'stopping',
  'limit_exceeded',
  'deadline_exceeded',
  'malformed',
  'unsupported',
  'not_upgraded',
  'not_found',
  'not_recorded',
  'conflict',
  'store_damaged',
  'store_rolled_back',
  'store_in_use',
  'key_unavailable',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** The message says what happened and what to do about it; it never holds a secret, a statement or a row. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
