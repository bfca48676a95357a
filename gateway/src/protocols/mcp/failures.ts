import { GatewayError } from '../../domain/errors.ts';
import type { Problem } from '../../exchange/problem.ts';
import type { Failed, Failure } from '../../exchange/rules.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { sessionNamed } from './given-ids.ts';
import { parseClientBody, type RequestId } from './messages.ts';

/** `Invalid Request` of JSON-RPC; and what servers say of a session that they do not have, with status 404, upon which clients begin again. */
const rpcCodes: Readonly<Record<string, number>> = { malformed: -32600, unsupported: -32600, not_found: -32001 };
/** A JSON-RPC code from the range that MCP leaves to implementations; `data.code` says which error it is. */
const gatewayFailure = -32010;

/** Codes of errors about the HTTP request, on which the client's transport acts by the status. All other errors answer the JSON-RPC request. */
const transportErrors: ReadonlySet<string> = new Set([
  'unauthenticated',
  'throttled',
  'unknown_target',
  'malformed',
  'unsupported',
  'limit_exceeded',
  'internal',
]);

/**
 * Our errors as JSON-RPC answers. Clients raise their usual error for an answer with status 200 that has the id of their request; another status
 * is a failure of the connection to them, so it is kept for what is one.
 */
export function failureAnswer(failed: Failed): Failure {
  const { problem, head } = failed;
  const id = askedId(failed);
  // A session that is not there is one of the connection, a task that is not there is not.
  const isOfConnection = problem.code === 'not_found' ? sessionNamed(head) !== '' : transportErrors.has(problem.code);
  return {
    status: id === null || isOfConnection ? problem.status : 200,
    headers: [['content-type', 'application/json']],
    body: failureJson(problem, id),
  };
}

/** An error of the gateway as an event of a stream. Null if the failed message was not a request, so that there is nothing to answer. */
export function failureEvent(failed: Failed): Uint8Array | null {
  const id = askedId(failed);
  return id === null ? null : Buffer.from(`event: message\ndata: ${failureJson(failed.problem, id)}\n\n`);
}

/** An error of the gateway as the answer to a request. */
export function failureJson({ code, detail, session }: Problem, id: Pick<RequestId, 'json'> | null): string {
  const failure = JSON.stringify({
    code: rpcCodes[code] ?? gatewayFailure,
    message: `countersign: ${detail}`,
    data: { code, ...(session === undefined ? {} : { session }) },
  });
  return `{"jsonrpc":"2.0","id":${id?.json ?? 'null'},"error":${failure}}`;
}

/** The id of the request that failed. Null if there is none, or if the body was not read. */
function askedId({ body, answerTo }: Failed): Pick<RequestId, 'json'> | null {
  return answerTo === null ? (body === null ? null : requestId(body)) : { json: answerTo };
}

/** The id of the request in a body. Null if the body is not one request, or cannot be read. */
function requestId(bytes: Uint8Array): RequestId | null {
  try {
    const { messages, isBatch } = parseClientBody(decodeUtf8(bytes));
    const [message] = messages;
    return !isBatch && message?.kind === 'request' ? message.id : null;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}
