import { GatewayError, type ErrorCode } from '../domain/errors.ts';

const statuses: Readonly<Record<ErrorCode, number>> = {
  config_invalid: 400,
  unauthenticated: 401,
  throttled: 429,
  unknown_target: 404,
  unknown_principal: 404,
  refused: 403,
  target_unreachable: 502,
  target_login_failed: 502,
  target_tls_failed: 502,
  cannot_record: 507,
  halted: 409,
  stopping: 503,
  limit_exceeded: 413,
  deadline_exceeded: 504,
  malformed: 400,
  unsupported: 400,
  not_found: 404,
  conflict: 409,
  store_damaged: 500,
  store_in_use: 500,
  key_unavailable: 500,
};

/** An error as problem+json (RFC 9457). What is no GatewayError is ours, and says nothing. */
export function problem(error: unknown): Response {
  const known = error instanceof GatewayError ? error : null;
  const title = known?.code ?? 'internal';
  const status = known === null ? 500 : statuses[known.code];
  const detail = known?.message ?? 'The gateway failed; its log says why.';
  return Response.json(
    { type: `urn:countersign:error:${title}`, title, status, detail },
    { status, headers: { 'content-type': 'application/problem+json', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}) } },
  );
}
