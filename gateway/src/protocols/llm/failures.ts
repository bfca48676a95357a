import type { Problem } from '../../exchange/problem.ts';
import type { Failure } from '../../exchange/rules.ts';
import { composeAwsMessage } from '../../content/aws-event-stream.ts';
import { awsType, linesType, mediaTypeOf, sseType } from './framing.ts';
import { jsonText } from './json.ts';

/** The API in whose form an error is written. */
export type Dialect = 'openai' | 'openai-responses' | 'anthropic' | 'gemini' | 'bedrock' | 'ollama';

/**
 * Writes an error of the gateway in the provider's own shape, so that its SDK raises its usual exception. The gateway's code is in it if the
 * shape has room for it; the session's id, if there is a session, is in the message.
 */
export function describeFailure(dialect: Dialect, problem: Problem): Failure {
  const { code, status } = problem;
  const { headers, body } = dialects[dialect].whole(said(problem));
  const retry = passing.has(code) ? [] : [['x-should-retry', 'false'] as const];
  return { status, headers: [['content-type', 'application/json'], ...retry, ...headers], body: jsonText(body) };
}

/** Writes an error of the gateway as the last event of a stream that has begun. Null for a kind of stream that the provider does not send. */
export function describeFailureInStream(dialect: Dialect, contentType: string, problem: Problem): Uint8Array | null {
  const forms = dialects[dialect];
  return mediaTypeOf(contentType) === forms.streamType ? forms.event(said(problem)) : null;
}

/**
 * Writes an error of the gateway as an OpenAI event over WebSocket. Some clients read the members, some the `error` object, and Codex the status. The members
 * of `about` go into the object. https://developers.openai.com/api/docs/guides/websocket-mode
 */
export function socketError(problem: Problem, about: object): { readonly [name: string]: unknown } {
  const told = said(problem);
  const { error } = openaiError(told);
  return { type: 'error', status: told.status, code: told.code, message: told.message, param: null, error: { ...error, ...about } };
}

/** Codes after which asking again helps, because the cause may pass. The SDKs of OpenAI and Anthropic repeat a request after statuses like 409 and 5xx unless they are told not to. */
const passing: ReadonlySet<string> = new Set(['throttled', 'catching_up', 'stopping', 'target_unreachable', 'deadline_exceeded']);

interface Said {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly names: Names;
  /** The approval for which the request was held: its id, its state and the next step of the client. Empty: there is none. */
  readonly held: Readonly<Record<string, string>>;
}

interface DialectForms {
  whole(said: Said): { readonly headers: readonly (readonly [string, string])[]; readonly body: object };
  readonly streamType: string;
  event(said: Said): Uint8Array;
}

// https://platform.openai.com/docs/guides/error-codes
const openaiError = ({ code, message, names, held }: Said) => ({ error: { message, type: names.openai, code, param: null, ...held } });

// https://docs.anthropic.com/en/api/errors
const anthropicError = ({ code, message, names, held }: Said) => ({
  type: 'error',
  error: { type: names.anthropic, message, details: { error_code: code, ...held } },
});

// https://cloud.google.com/apis/design/errors
const googleError = ({ code, message, status, names, held }: Said) => ({
  error: {
    code: status,
    message,
    status: names.google,
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: code.toUpperCase(),
        domain: 'countersign',
        ...(Object.keys(held).length === 0 ? {} : { metadata: held }),
      },
    ],
  },
});

const dialects: Readonly<Record<Dialect, DialectForms>> = {
  openai: {
    whole: (error) => ({ headers: [], body: openaiError(error) }),
    streamType: sseType,
    event: (error) => sseEvent(openaiError(error)),
  },
  // The events of this API are numbered, but the next number is not known here. Clients read the members or the object: both are there.
  // https://platform.openai.com/docs/api-reference/responses-streaming/error
  'openai-responses': {
    whole: (error) => ({ headers: [], body: openaiError(error) }),
    streamType: sseType,
    event: (error) => {
      const { code, message } = error;
      return sseEvent({ type: 'error', code, message, param: null, sequence_number: 0, ...openaiError(error) }, 'error');
    },
  },
  anthropic: {
    whole: (error) => ({ headers: [], body: anthropicError(error) }),
    streamType: sseType,
    event: (error) => sseEvent(anthropicError(error), 'error'),
  },
  gemini: {
    whole: (error) => ({ headers: [], body: googleError(error) }),
    streamType: sseType,
    event: (error) => sseEvent(googleError(error)),
  },
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
  bedrock: {
    whole: ({ message, names, held }) => ({ headers: [['x-amzn-errortype', names.aws]], body: { message, ...held } }),
    streamType: awsType,
    event: ({ message, names }) => {
      const name = names.aws.replace(/^[A-Z]/, (letter) => letter.toLowerCase());
      const headers = { ':message-type': 'exception', ':exception-type': name, ':content-type': 'application/json' };
      return composeAwsMessage(headers, Buffer.from(jsonText({ message })));
    },
  },
  // https://docs.ollama.com/api/errors
  ollama: {
    whole: ({ message, held }) => ({ headers: [], body: { error: message, ...held } }),
    streamType: linesType,
    event: ({ message }) => Buffer.from(`${jsonText({ error: message })}\n`),
  },
};

function sseEvent(value: object, type?: string): Uint8Array {
  return Buffer.from(`${type === undefined ? '' : `event: ${type}\n`}data: ${jsonText(value)}\n\n`);
}

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

/** The providers' names for a status. A status without names of its own gets those of its class, 4xx or 5xx. */
function byStatus(status: number): Names {
  return namesByStatus.get(status) ?? (status < 500 ? badRequest : internal);
}

function said({ code, detail, status, session, approval, state, next }: Problem): Said {
  const sentence = `countersign: ${detail}`;
  const message = session === undefined ? sentence : `${sentence.replace(/\.$/, '')} (session ${session})`;
  const held = approval === undefined || state === undefined || next === undefined ? {} : { approval, state, next };
  return { code, message, status, names: byStatus(status), held };
}
