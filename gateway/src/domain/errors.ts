import type { ApprovalAnswer } from './approval.ts';

/**
 * The codes of operating errors: of faults that occur although all our code works. docs/errors.md says what each code means and what to do. Each protocol
 * translates the codes into its own (`failures.ts`).
 */

export const errorCodes = [
  'config_invalid',
  'unauthenticated',
  'sign_in_again',
  'issuer_unreachable',
  'store_unreachable',
  'throttled',
  'unknown_target',
  'unknown_principal',
  'refused',
  'held',
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
  'storage_unavailable',
  'key_unavailable',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

interface ErrorFacts {
  readonly cause?: unknown;
  readonly approval?: ApprovalAnswer;
  readonly retryAfterSeconds?: number;
}

/** An operating error. The message says what happened and what to do about it. It never holds a secret, a statement or a row. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  /** The approval that the failed request waits for, or did not get. Null: there is none. */
  readonly approval: ApprovalAnswer | null;

  /** The number of seconds, at least 1, after which the same request would be let through. Null: waiting does not help, or nobody knows how long. */
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message: string, { approval, retryAfterSeconds, ...options }: ErrorFacts = {}) {
    super(message, options);
    this.code = code;
    this.approval = approval ?? null;
    this.retryAfterSeconds = retryAfterSeconds ?? null;
  }
}
