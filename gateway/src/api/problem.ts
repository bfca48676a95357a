import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';

const statuses: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  unauthenticated: 401,
  throttled: 429,
  unknown_target: 404,
  unknown_principal: 404,
  refused: 403,
  not_found: 404,
  conflict: 409,
  malformed: 400,
  unsupported: 400,
  limit_exceeded: 400,
  config_invalid: 400,
  cannot_record: 507,
  halted: 409,
  stopping: 503,
};

/** An error as RFC 9457 problem+json. What is no GatewayError is ours, and says nothing. */
export function problem(context: Context, error: unknown): Response {
  const known = error instanceof GatewayError ? error : null;
  const status = (known === null ? undefined : statuses[known.code]) ?? 500;
  const body = { type: `urn:countersign:error:${known?.code ?? 'internal'}`, title: known?.code ?? 'internal', status, detail: known?.message ?? 'The gateway failed; its log says why.' };
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' });
}
