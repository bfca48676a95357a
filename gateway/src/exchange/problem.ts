import { GatewayError, type ErrorCode } from '../domain/errors.ts';

const statuses: Readonly<Record<ErrorCode, number>> = {
  config_invalid: 400,
  unauthenticated: 401,
  sign_in_again: 401,
  issuer_unreachable: 503,
  store_unreachable: 503,
  throttled: 429,
  unknown_target: 404,
  unknown_principal: 404,
  refused: 403,
  held: 409,
  target_unreachable: 502,
  target_login_failed: 502,
  target_tls_failed: 502,
  target_refused_credential: 502,
  cannot_record: 507,
  catching_up: 503,
  halted: 409,
  stopping: 503,
  limit_exceeded: 413,
  deadline_exceeded: 504,
  malformed: 400,
  unsupported: 400,
  not_upgraded: 426,
  not_found: 404,
  not_recorded: 404,
  conflict: 409,
  store_damaged: 500,
  store_rolled_back: 500,
  store_in_use: 500,
  storage_unavailable: 503,
  key_unavailable: 500,
};

/** An error over HTTP (RFC 9457), with additional members. An error that is no GatewayError is a bug, and its text is not given. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly session?: string;
  /** The id of the approval for which the request was held. */
  readonly approval?: string;
  readonly state?: string;
  /** The next step of the client: `wait`, `resend` or `stop`. */
  readonly next?: string;
  /** The number of seconds after which the same request would be let through. Absent: waiting does not help, or nobody knows how long. */
  readonly retryAfter?: number;
}

/**
 * Returns the header that says after how many seconds a client may ask again (RFC 9110, 10.2.3): as many as the problem says, or one for a status after which
 * waiting helps. Empty for any other status, and for an answer that is no error of HTTP.
 */
export function retryHeaders(status: number, { retryAfter }: Pick<Problem, 'retryAfter'> = {}): readonly (readonly [string, string])[] {
  const seconds = retryAfter ?? (status === 429 || status === 503 ? 1 : null);
  return seconds === null || status < 400 ? [] : [['retry-after', String(seconds)]];
}

export const problemMediaType = 'application/problem+json';

export function problemOf(error: unknown, session: string | null = null): Problem {
  const known = error instanceof GatewayError ? error : null;
  const code = known?.code ?? 'internal';
  return {
    type: `urn:countersign:error:${code}`,
    title: code,
    status: known === null ? 500 : statuses[known.code],
    detail: known?.message ?? 'The gateway failed; its log says why.',
    code,
    ...(session === null ? {} : { session }),
    ...known?.approval,
    ...(known === null || known.retryAfterSeconds === null ? {} : { retryAfter: known.retryAfterSeconds }),
  };
}
