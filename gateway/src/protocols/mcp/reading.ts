import { readEffects } from '../../domain/effects.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Attributes } from '../../domain/action.ts';
import type { HoldMode } from '../../domain/approval.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { overridesMethod } from '../../exchange/headers.ts';
import type { RequestHead, RequestReading } from '../../exchange/reading.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { actionOf, checkSubject, messageAttributes } from './actions.ts';
import { AnswerFollower } from './answer.ts';
import { holdOf } from './attempts.ts';
import { idsNamed, sessionNamed } from './given-ids.ts';
import { heldFacts, heldForms, type HeldFacts } from './held.ts';
import type { AskedRequest } from './heard.ts';
import { parseClientBody, type Body, type Message } from './messages.ts';
import { checkMirroredHeaders, singleHeader } from './mirrored-headers.ts';
import { oldTransport } from './old-transport.ts';
import type { Revision } from './revision.ts';
import { isSessionId, revisionOf } from './revision.ts';

/** The facts of a request, as plain data. */
export interface McpFacts {
  readonly name: string;
  readonly attributes: Attributes;
  /** The ids that the request names and that the server gave. */
  readonly ids: readonly string[];
  /** The requests to which an answer may belong. */
  readonly asked: readonly AskedRequest[];
  /** The id of the request as JSON, if the body is exactly one request. */
  readonly answerTo?: string;
  /** How the client wants to learn the outcome if the request is held. Absent: it does not say. */
  readonly hold?: HoldMode;
  /** How the client can be told that the request is held. Absent: it cannot. */
  readonly held?: HeldFacts;
}

export interface McpReading extends RequestReading {
  readonly answer: AnswerFollower;
  /** The ids that the request names and that the server gave. */
  readonly ids: readonly string[];
}

/** The address of a target is its MCP endpoint. Nothing else of a server can be reached with this protocol. */
const endpointPaths = new Set(['', '/', '/mcp']);
/** The paths of the older transport, which Streamable HTTP replaced. */
const oldTransportPaths = new Set(['/sse', '/message', '/messages']);

const jsonType = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Reads a request of Streamable HTTP. `body` is the whole body, with its content coding undone. Throws GatewayError `malformed`, `unsupported` or
 * `limit_exceeded` for a request that is refused. https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function readFacts(head: RequestHead, body: Uint8Array): McpFacts {
  checkPath(head.path);
  if (overridesMethod(head)) {
    throw new GatewayError('malformed', 'A request of MCP has the method that it says, and no header that asks for another.');
  }
  switch (head.method) {
    case 'POST':
      return readPost(head, body);
    case 'GET':
      assertBare(head, body);
      return readBare(head, 'mcp.open_stream');
    case 'DELETE':
      assertBare(head, body);
      return readBare(head, 'mcp.end_session');
    default:
      throw new GatewayError('unsupported', 'MCP over HTTP has the methods POST, GET and DELETE.');
  }
}

/** Returns the reading of a request. `facts` is the result of `readFacts`. Throws as `readFacts` does. */
export function readRequest(
  head: RequestHead,
  body: Uint8Array,
  { facts = readFacts(head, body), messageBytesMax = defaultEventBytesMax }: { readonly facts?: McpFacts; readonly messageBytesMax?: number } = {},
): McpReading {
  const { name, attributes, ids, asked, answerTo, hold, held } = facts;
  return {
    action: {
      name,
      attributes,
      ...(singleHeader(head.headers, 'last-event-id') === null ? {} : { resumes: true }),
      ...(hold === undefined ? {} : { onHold: { mode: hold } }),
    },
    answer: new AnswerFollower(asked, sessionNamed(head), messageBytesMax),
    ids,
    ...(answerTo === undefined ? {} : { answerTo }),
    ...(held === undefined ? {} : { held: heldForms(held, answerTo) }),
  };
}

function checkPath(path: string): void {
  const [withoutQuery = ''] = path.split('?', 1);
  if (oldTransportPaths.has(withoutQuery)) {
    throw oldTransport();
  }
  if (!endpointPaths.has(path)) {
    throw new GatewayError('unsupported', 'MCP is spoken at the address of the target, without a further path or query.');
  }
}

function readPost(head: RequestHead, bytes: Uint8Array): McpFacts {
  if (!jsonType.test(singleHeader(head.headers, 'content-type') ?? '')) {
    throw new GatewayError('malformed', 'A message of MCP is sent as application/json, in UTF-8.');
  }
  const text = decodeUtf8(bytes);
  const body = parseClientBody(text);
  checkBatch(body);
  body.messages.forEach(checkSubject);
  const revision = revisionOf(singleHeader(head.headers, 'mcp-protocol-version'), body);
  checkMirroredHeaders(head.headers, body.messages, revision.isStateless);
  const [first] = body.messages;
  const name = first === undefined ? 'mcp.unknown' : actionOf(first);
  return {
    name,
    attributes: { ...messageAttributes(body, text), ...connectionAttributes(head, revision) },
    ids: idsNamed(head, body.messages),
    ...(!body.isBatch && first?.kind === 'request' ? { answerTo: first.id.json } : {}),
    ...holdOf(first),
    held: heldFacts(head, body, revision, bytes.length),
    asked: body.messages.flatMap((message) =>
      message.kind === 'request' ? [{ id: message.id, method: message.method, isContinued: message.params['cursor'] !== undefined }] : [],
    ),
  };
}

/**
 * Refuses batches in which requests come together with other messages: each request is decided on alone. Only answers, or notifications of one method, may come
 * together. The method of a request without an id is not such a notification: servers may carry it out, and each names another tool or resource. Throws GatewayError
 * `unsupported`.
 */
function checkBatch({ messages }: Body): void {
  const methods = new Set(messages.map((message) => ('method' in message ? message.method : null)));
  const asks = (message: Message): boolean => 'method' in message && (message.kind === 'request' || !message.method.startsWith('notifications/'));
  if (messages.length > 1 && (methods.size > 1 || messages.some(asks))) {
    throw new GatewayError('unsupported', 'A batch that asks for several things is not let through: send the requests one by one.');
  }
}

function assertBare({ method }: RequestHead, bytes: Uint8Array): void {
  if (bytes.length > 0) {
    throw new GatewayError('malformed', `A ${method} of MCP has no body.`);
  }
}

/** Reads a GET or DELETE, which has no message. */
function readBare(head: RequestHead, name: string): McpFacts {
  const revision = revisionOf(singleHeader(head.headers, 'mcp-protocol-version'), null);
  return {
    name,
    attributes: { ...connectionAttributes(head, revision), [ownAttributes.effects]: readEffects },
    ids: idsNamed(head, []),
    asked: [],
  };
}

function connectionAttributes({ headers }: RequestHead, { name, isStateless }: Revision): Attributes {
  const session = isStateless ? null : singleHeader(headers, 'mcp-session-id');
  if (session !== null && !isSessionId(session)) {
    throw new GatewayError('malformed', 'The header mcp-session-id is not visible ASCII, or too long.');
  }
  return { ...(name === null ? {} : { 'mcp.protocol.version': name }), ...(session === null ? {} : { 'mcp.session.id': session }) };
}
