import type { Problem } from '../../domain/problem.ts';
import type { Failure } from '../../wire/http/rules.ts';
import { jsonText } from './json.ts';

/** Whose words an error is said in. */
export type Dialect = 'openai' | 'anthropic' | 'gemini' | 'bedrock';

/**
 * Our error in the provider's own shape, so that its SDK raises its usual exception. The gateway's code stays in it where the shape has
 * room; the session is in the message, when there is one.
 */
export function describeFailure(dialect: Dialect, { code, detail, status, session }: Problem): Failure {
  const { headers, body } = shapes[dialect](code, sentence(detail, session), status);
  const retry = passing.has(code) ? [] : [['x-should-retry', 'false'] as const];
  return { status, headers: [['content-type', 'application/json'], ...retry, ...headers], body: jsonText(body) };
}

/** The SDKs of OpenAI and Anthropic ask again after statuses like 409 and 5xx unless they are told not to: that helps only where the cause may pass. */
const passing: ReadonlySet<string> = new Set(['throttled', 'stopping', 'target_unreachable', 'deadline_exceeded']);

interface ShapedError {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: unknown;
}

const shapes: Readonly<Record<Dialect, (code: string, message: string, status: number) => ShapedError>> = {
  // https://platform.openai.com/docs/guides/error-codes
  openai: (code, message, status) => ({
    headers: [],
    body: { error: { message, type: byStatus(status).openai, code, param: null } },
  }),
  // https://docs.anthropic.com/en/api/errors
  anthropic: (_code, message, status) => ({
    headers: [],
    body: { type: 'error', error: { type: byStatus(status).anthropic, message } },
  }),
  // https://cloud.google.com/apis/design/errors
  gemini: (code, message, status) => ({
    headers: [],
    body: {
      error: {
        code: status,
        message,
        status: byStatus(status).google,
        details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code.toUpperCase(), domain: 'countersign' }],
      },
    },
  }),
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
  bedrock: (_code, message, status) => ({
    headers: [['x-amzn-errortype', byStatus(status).aws]],
    body: { message },
  }),
};

interface Names {
  readonly openai: string;
  readonly anthropic: string;
  readonly google: string;
  readonly aws: string;
}

const badRequest: Names = { openai: 'invalid_request_error', anthropic: 'invalid_request_error', google: 'INVALID_ARGUMENT', aws: 'ValidationException' };
const internal: Names = { openai: 'server_error', anthropic: 'api_error', google: 'INTERNAL', aws: 'InternalServerException' };
const unavailable: Names = { openai: 'server_error', anthropic: 'overloaded_error', google: 'UNAVAILABLE', aws: 'ServiceUnavailableException' };

const namesByStatus: ReadonlyMap<number, Names> = new Map([
  [401, { openai: 'authentication_error', anthropic: 'authentication_error', google: 'UNAUTHENTICATED', aws: 'UnrecognizedClientException' }],
  [403, { openai: 'permission_error', anthropic: 'permission_error', google: 'PERMISSION_DENIED', aws: 'AccessDeniedException' }],
  [404, { openai: 'not_found_error', anthropic: 'not_found_error', google: 'NOT_FOUND', aws: 'ResourceNotFoundException' }],
  [413, { ...badRequest, anthropic: 'request_too_large' }],
  [429, { openai: 'rate_limit_error', anthropic: 'rate_limit_error', google: 'RESOURCE_EXHAUSTED', aws: 'ThrottlingException' }],
  [501, { openai: 'server_error', anthropic: 'api_error', google: 'UNIMPLEMENTED', aws: 'InternalServerException' }],
  [502, unavailable],
  [503, unavailable],
  [504, { openai: 'server_error', anthropic: 'timeout_error', google: 'DEADLINE_EXCEEDED', aws: 'ModelTimeoutException' }],
]);

/** Statuses without names of their own go by their class. */
function byStatus(status: number): Names {
  return namesByStatus.get(status) ?? (status < 500 ? badRequest : internal);
}

function sentence(message: string, session: string | undefined): string {
  const said = `countersign: ${message}`;
  return session === undefined ? said : `${said.replace(/\.$/, '')} (session ${session})`;
}
