import { GatewayError } from '../../domain/errors.ts';
import type { Problem } from '../../exchange/problem.ts';
import type { Failed, Failure } from '../../exchange/rules.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { sessionNamed } from './given-ids.ts';
import { parseClientBody, type RequestId } from './messages.ts';

/**
 * The codes of JSON-RPC errors: `Invalid Request`, and the code that servers send with status 404 for a session that they do not have; clients then begin
 * again.
 */
const rpcCodes: Readonly<Record<string, number>> = { malformed: -32600, unsupported: -32600, not_found: -32001 };
/** A code from the range that MCP leaves to implementations. `data.code` says which error of the gateway it is. */
const gatewayFailure = -32010;

/** The codes of errors about the HTTP request. The client's transport acts on them by their status. All other errors answer the JSON-RPC request. */
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
 * Makes an answer of JSON-RPC from an error of the gateway. For an answer with status 200 and the id of the request, clients raise their usual error. They
 * treat any other status as a failed connection, so it is only used for that.
 */
export function failureAnswer(failed: Failed): Failure {
  const { problem, head } = failed;
  const id = askedId(failed);
  // A missing session is an error of the connection, a missing task is not.
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
export function failureJson({ code, detail, session, approval, state, next, retryAfter }: Problem, id: Pick<RequestId, 'json'> | null): string {
  const failure = JSON.stringify({
    code: rpcCodes[code] ?? gatewayFailure,
    message: `countersign: ${detail}`,
    data: {
      code,
      ...(session === undefined ? {} : { session }),
      ...(approval === undefined ? {} : { approval, state, next }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    },
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
