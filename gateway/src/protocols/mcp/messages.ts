import { GatewayError } from '../../domain/errors.ts';
import { parseExactNumbers } from '../../content/exact-json.ts';
import { parseJsonText, parseStrictJsonText, lookalikeGuard } from '../../content/strict-json.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The id as JSON, to be put into an answer, and as text, for facts. An integer that a double cannot hold is kept digit by digit. */
export interface RequestId {
  readonly json: string;
  readonly text: string;
}

/** JSON-RPC 2.0 as MCP uses it: https://modelcontextprotocol.io/specification/2025-11-25/basic#messages */
export type Message = Request | Notification | Result | Failure;

export interface Request {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}

export interface Notification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
}

export interface Result {
  readonly kind: 'result';
  readonly id: RequestId;
  readonly result: JsonObject;
}

interface Failure {
  readonly kind: 'failure';
  /** The id of the request; null if the request could not be read. */
  readonly id: RequestId | null;
  readonly code: number;
  readonly message: string;
}

export interface Body {
  readonly messages: readonly Message[];
  readonly isBatch: boolean;
}

/** Most messages in one batch. */
const batchMessagesMax = 100;
/** Most characters of an id, of a method, or of the name of what is asked for. Attributes are made of these. */
const nameCharactersMax = 4096;

const guardMessage = lookalikeGuard(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
/** Refuses other spellings of members that are decided on. */
const guardParams = lookalikeGuard(['name', 'arguments', 'uri', 'taskId', 'ref', 'protocolVersion', 'inputResponses', '_meta']);

/** Parses the body of a client. Accepts only what every server reads in the same way. Throws GatewayError `malformed` or `limit_exceeded`. */
export function parseClientBody(text: string): Body {
  const value = parseStrictJsonText(text);
  for (const each of elementsOf(value)) {
    guardMessage(isObject(each) ? each : {});
    guardParams(isObject(each) && isObject(each['params']) ? each['params'] : {});
  }
  return readBody(text, value);
}

/** Parses the body of a server as common clients do. Throws GatewayError `malformed` or `limit_exceeded`. */
export function parseServerBody(text: string): Body {
  return readBody(text, parseJsonText(text));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the methods of what the server asks for within a result. https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr */
export function inputRequests(result: JsonObject): string[] {
  const asked = isObject(result['inputRequests']) ? Object.values(result['inputRequests']) : [];
  return asked.map((each) => (isObject(each) && typeof each['method'] === 'string' ? each['method'] : ''));
}

/**
 * Returns a text that is decided on. Its length is limited, and it has no lone surrogates, which some programs replace and others do not. Throws GatewayError
 * `malformed` or `limit_exceeded`.
 */
export function checkName(value: unknown, what: string): string {
  if (typeof value !== 'string' || !value.isWellFormed()) {
    throw new GatewayError('malformed', `The message has no ${what}, or one that is not text.`);
  }
  if (value.length > nameCharactersMax) {
    throw new GatewayError('limit_exceeded', `The ${what} is longer than ${nameCharactersMax} characters.`);
  }
  return value;
}

function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function readBody(text: string, value: unknown): Body {
  const elements = elementsOf(value);
  if (elements.length === 0) {
    throw new GatewayError('malformed', 'The batch is empty.');
  }
  if (elements.length > batchMessagesMax) {
    throw new GatewayError('limit_exceeded', `A batch has at most ${batchMessagesMax} messages.`);
  }
  const exact = elements.some(hasInexactId) ? elementsOf(parseExactNumbers(text)) : elements;
  return { messages: elements.map((element, i) => readMessage(element, exact[i])), isBatch: Array.isArray(value) };
}

function hasInexactId(value: unknown): boolean {
  return isObject(value) && typeof value['id'] === 'number' && !Number.isSafeInteger(value['id']);
}

/** Reads a message. `exact` is the same message as `parseExactNumbers` returns it. */
function readMessage(value: unknown, exact: unknown): Message {
  if (!isObject(value) || value['jsonrpc'] !== '2.0') {
    throw new GatewayError('malformed', 'The body is not a JSON-RPC 2.0 message.');
  }
  const isOf = (...keys: string[]): boolean => ['method', 'result', 'error'].every((key) => keys.includes(key) === Object.hasOwn(value, key));
  const id = (): RequestId => readId(value['id'], isObject(exact) ? exact['id'] : undefined);
  if (isOf('method')) {
    const method = checkName(value['method'], 'method');
    const params = value['params'] ?? {};
    if (!isObject(params) || value['params'] === null) {
      throw new GatewayError('malformed', 'The params of the message are not an object.');
    }
    return Object.hasOwn(value, 'id') ? { kind: 'request', id: id(), method, params } : { kind: 'notification', method, params };
  }
  const { result, error } = value;
  if (isOf('result') && isObject(result)) {
    return { kind: 'result', id: id(), result };
  }
  if (isOf('error') && isObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string') {
    return { kind: 'failure', id: (value['id'] ?? null) === null ? null : id(), code: error['code'], message: error['message'] };
  }
  throw new GatewayError('malformed', 'The JSON-RPC message is neither a request nor an answer.');
}

function readId(value: unknown, exact: unknown): RequestId {
  if (typeof value === 'string') {
    const text = checkName(value, 'id');
    return { json: JSON.stringify(text), text };
  }
  if (typeof value === 'number' && Number.isInteger(value)) {
    const json = checkName(JSON.stringify(exact), 'id');
    return { json, text: json };
  }
  throw new GatewayError('malformed', 'The id of the message is neither text nor a whole number.');
}
