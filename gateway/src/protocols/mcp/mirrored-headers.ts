import { GatewayError } from '../../domain/errors.ts';
import { subjectKey } from './actions.ts';
import type { Message, Notification, Request } from './messages.ts';
import { isObject } from './messages.ts';

/**
 * Headers that repeat parts of the body, for intermediaries that route by them. The body is what is decided on, so a header with another value is refused in
 * every revision (ATTACKS A12, A13). https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata
 */
const methodHeader = 'mcp-method';
const nameHeader = 'mcp-name';
const parameterPrefix = 'mcp-param-';

/** The methods whose requests must repeat their subject in `mcp-name`. */
const namedMethods = new Set(['tools/call', 'prompts/get', 'resources/read', 'tasks/get', 'tasks/update', 'tasks/cancel']);

const encoded = /^=\?base64\?(.*)\?=$/s;
const decimal = /^-?[0-9]{1,16}(\.[0-9]{1,16})?$/;

type Headers = readonly (readonly [string, string])[];

/** Returns the value of a header that may occur only once; null if it is missing. Throws GatewayError `malformed` if it occurs twice. */
export function singleHeader(headers: Headers, name: string): string | null {
  const values = headers.filter(([key]) => key === name);
  if (values.length > 1) {
    throw new GatewayError('malformed', `The header ${name} appears more than once.`);
  }
  return values[0]?.[1].trim() ?? null;
}

/** Throws GatewayError `malformed` if the headers do not match the message. `isRequired`: the revision requires them. */
export function checkMirroredHeaders(headers: Headers, messages: readonly Message[], isRequired: boolean): void {
  const method = singleHeader(headers, methodHeader);
  const name = singleHeader(headers, nameHeader);
  const parameters = headers.filter(([key]) => key.startsWith(parameterPrefix));
  for (const message of messages) {
    if ('method' in message) {
      checkMethod(method, message, isRequired);
      checkSubject(name, message, isRequired);
      checkParameters(parameters, message);
    } else if (method !== null || name !== null || parameters.length > 0) {
      throw new GatewayError('malformed', `An answer has no header ${methodHeader}, ${nameHeader} or ${parameterPrefix}*.`);
    }
  }
}

/** Returns the headers that a client sends with a message. */
export function mirroredHeaders(message: Message): Readonly<Record<string, string>> {
  if (!('method' in message)) {
    return {};
  }
  const key = subjectKey(message.method);
  const subject = key === null || !namedMethods.has(message.method) ? undefined : message.params[key];
  return { [methodHeader]: message.method, ...(typeof subject === 'string' ? { [nameHeader]: encode(subject) } : {}) };
}

function encode(text: string): string {
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !encoded.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

function checkMethod(header: string | null, message: Request | Notification, isRequired: boolean): void {
  if (header === null ? isRequired && message.kind === 'request' : header !== message.method) {
    throw new GatewayError('malformed', `The header ${methodHeader} is not the method of the message.`);
  }
}

function checkSubject(header: string | null, { kind, method, params }: Request | Notification, isRequired: boolean): void {
  const key = subjectKey(method);
  if (header === null) {
    if (isRequired && kind === 'request' && namedMethods.has(method)) {
      throw new GatewayError('malformed', `The header ${nameHeader} is missing: it repeats the ${key} of the message.`);
    }
    return;
  }
  const name = decode(header);
  // For an unknown method, the header may repeat any of these members.
  const candidates = key === null ? ['name', 'uri', 'taskId'] : [key];
  if (!candidates.some((candidate) => params[candidate] === name)) {
    throw new GatewayError('malformed', `The header ${nameHeader} is not what the message names.`);
  }
}

/**
 * Checks the headers that repeat arguments. The tool's definition says which argument each repeats, and the server checks that. Here each header must repeat
 * some value among the arguments. Throws GatewayError `malformed`.
 */
function checkParameters(headers: Headers, { method, params }: Request | Notification): void {
  if (headers.length === 0) {
    return;
  }
  const values = method === 'tools/call' ? printedValues(params['arguments']) : new Set<string>();
  for (const [name, value] of headers) {
    singleHeader(headers, name);
    const text = decode(value.trim());
    if (!values.has(text) && !(decimal.test(text) && values.has(String(Number(text))))) {
      throw new GatewayError('malformed', `A header ${parameterPrefix}* is not one of the arguments of the call.`);
    }
  }
}

/**
 * Returns the values that a header may repeat, as text: strings, numbers and booleans, within objects but not within arrays. The depth of a message is limited.
 */
function printedValues(value: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (each: unknown): void => {
    if (isObject(each)) {
      Object.values(each).forEach(visit);
    } else if (typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean') {
      found.add(String(each));
    }
  };
  visit(value);
  return found;
}

function decode(value: string): string {
  const [, base64] = encoded.exec(value) ?? [];
  if (base64 === undefined) {
    return value;
  }
  const bytes = Buffer.from(base64, 'base64');
  const text = bytes.toString('utf8');
  if (bytes.toString('base64') !== base64 || !Buffer.from(text).equals(bytes)) {
    throw new GatewayError('malformed', 'A header is not the base64 that it says it is.');
  }
  return text;
}
