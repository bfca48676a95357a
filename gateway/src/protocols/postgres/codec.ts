import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import {
  backend,
  frontend,
  type BackendMessage,
  type BindMessage,
  type Column,
  type ErrorFields,
  type FrontendMessage,
  type StatementOrPortal,
} from './messages.ts';
import { utf8, type Decode } from './text-encoding.ts';

/** One frame: a type byte, a length that includes itself, and a body. The functions here parse bytes for readers of recordings. */
export interface Frame {
  readonly type: number;
  readonly body: Buffer;
}

export const frameHeaderBytes = 5;

/** Returns the length of the whole frame at `at`. Its five header bytes must be there. Throws GatewayError `malformed` or `limit_exceeded`. */
export function frameLength(bytes: Buffer, at: number, bytesMax: number): number {
  const length = bytes.readUInt32BE(at + 1);
  if (length < 4 || length > 0x7fff_ffff) {
    throw new GatewayError('malformed', 'A message has an impossible length.');
  }
  if (length > bytesMax) {
    throw new GatewayError('limit_exceeded', `A message of ${length} bytes is longer than the limit of ${bytesMax}.`);
  }
  return 1 + length;
}

/** Yields the whole frames in `bytes` from `start` on. Ends without an error if the bytes end within a frame, or are not a frame. */
export function* frames(bytes: Buffer, start = 0): Generator<Frame, void> {
  for (let at = start; at + frameHeaderBytes <= bytes.length;) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (end < at + frameHeaderBytes || end > bytes.length) {
      return;
    }
    yield { type: bytes.readUInt8(at), body: bytes.subarray(at + frameHeaderBytes, end) };
    at = end;
  }
}

/** Parses a message of the client. Throws GatewayError `malformed`. */
export function parseFrontend(frame: Frame, decode: Decode = utf8): FrontendMessage {
  const body = new ByteReader(frame.body, 0, frame.body.length, decode);
  switch (frame.type) {
    case frontend.query:
      return { kind: 'query', text: body.cstring() };
    case frontend.parse: {
      const [name, text] = [body.cstring(), body.cstring()];
      return { kind: 'parse', name, text, parameterTypes: list(body, () => body.uint32()) };
    }
    case frontend.bind:
      return parseBind(body);
    case frontend.describe:
      return { kind: 'describe', ...parseSubject(body) };
    case frontend.close:
      return { kind: 'close', ...parseSubject(body) };
    case frontend.execute:
      return { kind: 'execute', portal: body.cstring(), rowsMax: body.int32() };
    case frontend.functionCall: {
      const oid = body.uint32();
      const formats = list(body, () => body.int16());
      return { kind: 'function-call', oid, formats, parameters: list(body, () => value(body)) };
    }
    case frontend.copyData:
      return { kind: 'copy-data', data: body.rest() };
    case frontend.copyFail:
      return { kind: 'copy-fail', reason: body.cstring() };
    case frontend.copyDone:
      return { kind: 'copy-done' };
    case frontend.flush:
      return { kind: 'flush' };
    case frontend.sync:
      return { kind: 'sync' };
    case frontend.terminate:
      return { kind: 'terminate' };
    default:
      throw new GatewayError('malformed', 'A message of the client has an unknown type.');
  }
}

/** Returns the formats of the results that the body of a Bind message asks for, and reads nothing else. Throws GatewayError `malformed`. */
export function resultFormatsOf(bind: Buffer): readonly number[] {
  const body = new ByteReader(bind);
  body.cstringBytes();
  body.cstringBytes();
  body.bytes(body.uint16() * 2);
  for (let left = body.uint16(); left > 0; left -= 1) {
    body.bytes(Math.max(0, body.int32()));
  }
  return list(body, () => body.int16());
}

function parseBind(body: ByteReader): BindMessage {
  const [portal, statement] = [body.cstring(), body.cstring()];
  const formats = list(body, () => body.int16());
  const parameters = list(body, () => value(body));
  return { kind: 'bind', portal, statement, formats, parameters, resultFormats: list(body, () => body.int16()) };
}

/**
 * Returns the format of the value with index `at`. An empty list means text for all values; a list of one is for all values; otherwise each value has its own.
 */
export function formatAt(formats: readonly number[], at: number): number {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0;
}

function parseSubject(body: ByteReader): { readonly what: StatementOrPortal; readonly name: string } {
  return { what: body.uint8() === 0x53 ? 'statement' : 'portal', name: body.cstring() };
}

/** Parses a message of the target. Throws GatewayError `malformed`. */
export function parseBackend(frame: Frame, decode: Decode = utf8): BackendMessage {
  const body = new ByteReader(frame.body, 0, frame.body.length, decode);
  switch (frame.type) {
    case backend.rowDescription:
      return { kind: 'row-description', columns: list(body, () => parseColumn(body)) };
    case backend.dataRow:
      return { kind: 'data-row', values: list(body, () => value(body)) };
    case backend.commandComplete:
      return { kind: 'command-complete', tag: body.cstring() };
    case backend.error:
      return { kind: 'error', fields: parseErrorFields(frame.body, decode) };
    case backend.notice:
      return { kind: 'notice', fields: parseErrorFields(frame.body, decode) };
    case backend.notification:
      return { kind: 'notification', process: body.int32(), channel: body.cstring(), payload: body.cstring() };
    case backend.parameterStatus:
      return { kind: 'parameter-status', name: body.cstring(), value: body.cstring() };
    case backend.parameterDescription:
      return { kind: 'parameter-description', types: list(body, () => body.uint32()) };
    case backend.functionResult:
      return { kind: 'function-result', value: value(body) };
    case backend.copyData:
      return { kind: 'copy-data', data: body.rest() };
    case backend.readyForQuery:
      return { kind: 'ready', status: body.uint8() };
    default:
      return { kind: 'other', type: frame.type };
  }
}

function parseColumn(body: ByteReader): Column {
  const name = body.cstring();
  const [table, attribute, type] = [body.uint32(), body.int16(), body.uint32()];
  // A reader does not need the size and modifier of the type.
  body.bytes(6);
  return { name, table, attribute, type, format: body.int16() };
}

/** Parses the body of an ErrorResponse or NoticeResponse. Throws GatewayError `malformed`. */
export function parseErrorFields(bytes: Buffer, decode: Decode = utf8): ErrorFields {
  const body = new ByteReader(bytes, 0, bytes.length, decode);
  const fields = new Map<string, string>();
  while (body.left > 0) {
    const code = body.uint8();
    if (code === 0) {
      break;
    }
    fields.set(String.fromCharCode(code), body.cstring());
  }
  return fields;
}

/** Parses a list with its count. The count is at most 65,535 and each item needs bytes that must be there, so a count alone cannot cause large allocations. */
function list<T>(body: ByteReader, item: () => T): T[] {
  const items: T[] = [];
  for (let left = body.uint16(); left > 0; left -= 1) {
    items.push(item());
  }
  return items;
}

/** Parses a value after its length. The length −1 means NULL. */
function value(body: ByteReader): Buffer | null {
  const length = body.int32();
  return length === -1 ? null : body.bytes(length);
}
