import { countOf } from '../../domain/count-of.ts';
import { hash } from 'node:crypto';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { type OpenedRecord, plainRendering, type Rendering, wholeRendering } from '../../domain/record.ts';
import { parseExactNumbers } from '../../content/exact-json.ts';
import { headerOf } from '../../exchange/reading.ts';
import { plainText, readRecordedRequest, readRecordedResponse } from '../../exchange/recorded/recorded-http.ts';
import { contentOf, type Earlier, pieceText, requestPart, wholeAnswer, wholeRequest } from '../../exchange/recorded/recorded-pieces.ts';
import { actionOfMethod, subjectKey } from './actions.ts';
import type { JsonObject, Message } from './messages.ts';
import { isObject, parseServerBody } from './messages.ts';

const textAttributeMax = 64 * 1024;

/** Matches the beginning of a text that is certainly an event stream. */
const eventLine = /^(data|event|id|retry|):/m;

interface Shown {
  readonly text: string;
  readonly attributes: Attributes;
  /** True if the text is that of several records. It is shown only with the last of them, in any length. */
  readonly isJoined?: boolean;
}

/** Makes a record readable for people. Any bytes are acceptable input; bytes that cannot be read are shown as they are. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const { text, attributes, isJoined = false } = record.kind === 'request' ? renderRequest(record, earlier) : renderResponse(record, earlier);
  return isJoined ? wholeRendering(text, attributes) : plainRendering(text, attributes);
}

function isAnswerToCall(record: OpenedRecord, earlier: Earlier): boolean {
  const seq = record.meta?.request;
  return seq !== undefined && earlier(seq)?.meta?.action === 'mcp.call_tool';
}

/** Shows a request. A request in several records is shown with the last of them. */
function renderRequest(record: OpenedRecord, earlier: Earlier): Shown {
  const content = contentOf(record);
  if (record.meta?.request === undefined && !record.continues) {
    return renderWholeRequest(content);
  }
  const whole = wholeRequest(record, earlier);
  return whole === null ? requestPart(record, earlier) : { ...renderWholeRequest(whole), isJoined: true };
}

function renderWholeRequest(content: Buffer): Shown {
  const request = readRecordedRequest(content);
  const body = request?.body ?? content;
  const messages = readMessages(body.toString('utf8'));
  if (messages === null) {
    const line = request === null ? '' : `${request.head.method} ${request.head.path}`;
    return { text: [line, plainText(body)].filter((each) => each !== '').join('\n'), attributes: {} };
  }
  const [first] = messages;
  const params = objectAt(first?.exact ?? {}, 'params');
  const isCall = first !== undefined && 'method' in first.message && first.message.method === 'tools/call';
  return {
    text: messages.map(describe).join('\n'),
    attributes: {
      ...(isCall && params['arguments'] !== undefined ? textAttribute('gen_ai.tool.call.arguments', argumentsOf(first.exact)) : {}),
      ...(isObject(params['_meta']) ? textAttribute(ownAttributes.mcpMeta, JSON.stringify(params['_meta'])) : {}),
    },
  };
}

function renderResponse(record: OpenedRecord, earlier: Earlier): Shown {
  const response = readRecordedResponse(contentOf(record));
  const status = response?.head.status ?? 200;
  const whole = response?.body ?? wholeJson(record, earlier);
  const piece = whole === null ? pieceText(record, earlier) : { text: plainText(whole), attributes: {} };
  const text = renderAnswer(piece.text);
  const isShown = (status < 200 || status > 299 || text === '') && response !== null;
  return {
    text: [...(isShown ? [`HTTP ${status}`] : []), ...(text === '' ? [] : [text])].join('\n'),
    attributes: {
      ...(isAnswerToCall(record, earlier) && text !== '' ? textAttribute('gen_ai.tool.call.result', text) : {}),
      // These attributes say how the piece continues the one before, which is only true for the unchanged text.
      ...(text === piece.text ? piece.attributes : {}),
    },
    isJoined: whole !== null && response === null,
  };
}

/** Returns an answer that is one document, for its last record. Null for an earlier record, and for a stream. */
function wholeJson(record: OpenedRecord, earlier: Earlier): Buffer | null {
  const whole = wholeAnswer(record, earlier);
  return whole !== null && /^application\/json\b/i.test(headerOf(whole.head.headers, 'content-type') ?? '') ? whole.body : null;
}

/** Shows messages, the events of a stream, which have one message each, or a piece of either. */
function renderAnswer(text: string): string {
  if (!eventLine.test(text)) {
    return renderMessages(text);
  }
  const lines = text.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, field, value] = /^(data|event|id|retry|): ?(.*)$/s.exec(line) ?? [];
    return field === undefined ? [line] : field === 'data' ? [renderMessages(value ?? '')] : [];
  });
  return lines.filter((line) => line !== '').join('\n');
}

function renderMessages(text: string): string {
  return readMessages(text)?.map(describe).join('\n') ?? text;
}

/** A message, and the same object with its numbers as they were written. */
interface ReadMessage {
  readonly message: Message;
  readonly exact: JsonObject;
}

/** Parses the messages in a text. Null if it is something else. */
function readMessages(text: string): ReadMessage[] | null {
  try {
    const { messages } = parseServerBody(text);
    const exact = [parseExactNumbers(text)].flat();
    return messages.map((message, i) => ({ message, exact: objectAt(exact, i) }));
  } catch {
    return null;
  }
}

function describe({ message, exact }: ReadMessage): string {
  switch (message.kind) {
    case 'request':
    case 'notification':
      return describeAsking(message.method, exact);
    case 'result':
      return describeResult(objectAt(exact, 'result'));
    case 'failure':
      return `error ${message.code}: ${message.message}`;
    default:
      return message satisfies never;
  }
}

/** Describes a request: `call_tool search({"q":"x"})`, `read_resource file:///a`, `list_tools`. An unknown method is shown as it is. */
function describeAsking(method: string, exact: JsonObject): string {
  const action = actionOfMethod(method);
  const verb = action === 'mcp.unknown' ? method : action.slice('mcp.'.length);
  const key = subjectKey(method);
  const params = withoutMeta(objectAt(exact, 'params'));
  const subject = key === null ? '' : ` ${print(params[key])}`;
  if (key === 'name') {
    return `${verb}${subject}(${argumentsOf(exact)})`;
  }
  const others = Object.entries(params).filter(([name]) => name !== key);
  return `${verb}${subject}${others.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(others))}`}`;
}

function argumentsOf(exact: JsonObject): string {
  return JSON.stringify(objectAt(exact, 'params')['arguments']) ?? '';
}

/** Describes a result by the parts that people read. A result of another form is shown as JSON. */
function describeResult(result: JsonObject): string {
  const asked = Object.values(objectAt(result, 'inputRequests')).map((each) =>
    isObject(each) ? `asks ${describeAsking(print(each['method']), each)}` : 'asks',
  );
  const { content, contents, messages, tools } = result;
  const parts = [content, contents, messages].find(Array.isArray);
  const lines = Array.isArray(tools) ? tools.map(describeTool) : parts?.map(describePart);
  if (lines === undefined || lines.length === 0) {
    return asked.length > 0 ? asked.join('\n') : JSON.stringify(withoutMeta(result));
  }
  return [...(result['isError'] === true ? ['error:'] : []), ...lines, ...asked].join('\n');
}

/** Returns the object without `_meta`, which is about the message and not a part of its content. */
function withoutMeta(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== '_meta'));
}

function describeTool(tool: unknown): string {
  const { name, description } = isObject(tool) ? tool : {};
  return typeof description === 'string' ? `${print(name)}: ${description}` : print(name);
}

/** Describes a part of a tool's result, the contents of a resource, or a message of a prompt. */
function describePart(part: unknown): string {
  if (!isObject(part)) {
    return JSON.stringify(part);
  }
  const { type, text, data, blob, mimeType, uri, resource, role, content } = part;
  if (typeof text === 'string') {
    return text;
  }
  if (typeof role === 'string' && isObject(content)) {
    return `${role}: ${typeof content['text'] === 'string' ? content['text'] : JSON.stringify(content)}`;
  }
  const binary = typeof data === 'string' ? data : blob;
  if (typeof binary === 'string') {
    return describeMedia(print(mimeType ?? type ?? 'binary'), binary);
  }
  if (isObject(resource)) {
    const shown = resource['text'] ?? (typeof resource['blob'] === 'string' ? describeMedia(print(resource['mimeType'] ?? 'binary'), resource['blob']) : '');
    return `${print(resource['uri'])}: ${print(shown)}`;
  }
  return typeof uri === 'string' ? uri : JSON.stringify(part);
}

/** Describes media by their type, their length in bytes and their SHA-256 in hex. */
function describeMedia(type: string, base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  return `(${type}, ${countOf(bytes.length, 'byte')}, sha256 ${hash('sha256', bytes)})`;
}

/** Prints a value as text, without calling any method of it, because a peer made it. */
function print(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function objectAt(holder: JsonObject | readonly unknown[], key: string | number): JsonObject {
  const value: unknown = Reflect.get(holder, key);
  return isObject(value) ? value : {};
}

function textAttribute(name: string, text: string): Attributes {
  return { [name]: text.length > textAttributeMax ? `${text.slice(0, textAttributeMax)}…` : text };
}
