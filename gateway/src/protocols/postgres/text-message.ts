import { GatewayError } from '../../domain/errors.ts';
import type { TextFrame } from '../../content/text-frame.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { frameHeaderBytes } from './codec.ts';
import { backend } from './messages.ts';
import { composeMessage, cstringPlace, place, textsOf, type MessagePiece } from './text-place.ts';

const columnCountBytes = 2;
/** Bytes behind the name of a column in a RowDescription. */
const columnBytes = 18;
const lengthBytes = 4;
const lineFeed = 0x0a;
const nothing = Buffer.alloc(0);
/** The name of a row of COPY data, which may be cut over several messages. */
const copyRow = 'row';
/** Fields of an error or a notice that are sentences, quote a statement, or name a schema, a table, a column, a type or a constraint: code may put any text there. https://www.postgresql.org/docs/current/protocol-error-fields.html */
const saidFields: ReadonlySet<number> = new Set(Buffer.from('MDHWqstcdn'));

/** True for messages of the target with texts that policy may change, and for those that say which texts come. */
export function concernsTexts(type: number): boolean {
  return (
    isRow(type) ||
    type === backend.copyData ||
    type === backend.rowDescription ||
    type === backend.commandComplete ||
    type === backend.parameterStatus ||
    comesUnasked(type)
  );
}

export function isRow(type: number): boolean {
  return type === backend.dataRow || type === backend.functionResult;
}

/** True for messages that may come without a request: errors, notices and notifications. */
export function comesUnasked(type: number): boolean {
  return type === backend.error || type === backend.notice || type === backend.notification;
}

/** Makes a frame of a whole message of the target that is no row. A text that is not UTF-8 is read byte by byte as Latin-1, so that no encoding hides a text. Throws GatewayError `malformed`. */
export function textMessage(frame: Buffer): TextFrame {
  const type = frame.readUInt8(0);
  const body = frame.subarray(frameHeaderBytes);
  const pieces = piecesOf(type, body);
  const isCopy = type === backend.copyData;
  return {
    bytes: frame.length,
    texts: textsOf(pieces).map((text) => ({ text, partOf: isCopy ? copyRow : null })),
    ends: isCopy && body.at(-1) === lineFeed ? () => true : null,
    compose: (changed) => composeMessage(type, pieces, changed),
  };
}

/** Returns the texts of a message and the bytes between them, in order. */
function piecesOf(type: number, body: Buffer): readonly MessagePiece[] {
  switch (type) {
    case backend.copyData:
      return [place(body, (bytes) => bytes)];
    case backend.notification:
      return notification(body);
    case backend.rowDescription:
      return columnNames(body);
    case backend.parameterStatus:
      return parameter(body);
    default:
      return fields(body);
  }
}

/** Returns a row, or the result of a function, with its values changed; the same if none is. NULL stays. Throws GatewayError `malformed`, and what `change` throws. */
export function changedRow(frame: Buffer, change: (value: Buffer, at: number, count: number) => Buffer | null): Buffer {
  const start = frameHeaderBytes + (frame[0] === backend.dataRow ? columnCountBytes : 0);
  const count = frame[0] === backend.dataRow && frame.length >= start ? frame.readUInt16BE(frameHeaderBytes) : 1;
  const values: (Buffer | null)[] = [];
  let isChanged = false;
  for (let at = start; at < frame.length;) {
    const length = at + lengthBytes <= frame.length ? frame.readInt32BE(at) : frame.length;
    const end = at + lengthBytes + Math.max(length, 0);
    if (end > frame.length || values.length === count) {
      throw new GatewayError('malformed', 'The target sent a row whose columns are longer than the row.');
    }
    const value = length < 0 ? null : frame.subarray(at + lengthBytes, end);
    const changed = value === null ? null : change(value, values.length, count);
    isChanged ||= changed !== value;
    values.push(changed);
    at = end;
  }
  if (!isChanged) {
    return frame;
  }
  const bytes = values.reduce((sum, value) => sum + lengthBytes + (value?.length ?? 0), start - 1);
  const writer = new ByteWriter().uint8(frame.readUInt8(0)).int32(bytes).bytes(frame.subarray(frameHeaderBytes, start));
  for (const value of values) {
    writer.int32(value?.length ?? -1).bytes(value ?? nothing);
  }
  return writer.finish();
}

function fields(body: Buffer): readonly MessagePiece[] {
  const pieces: MessagePiece[] = [];
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = cstringEnd(body, at + 1);
    pieces.push(body.subarray(at, at + 1));
    const value = body.subarray(at + 1, end);
    pieces.push(saidFields.has(body[at] ?? 0) ? cstringPlace(value) : body.subarray(at + 1, end + 1));
    at = end + 1;
  }
  return [...pieces, body.subarray(at)];
}

/** The name of a notification's channel and its payload are texts. The process is before them. */
function notification(body: Buffer): readonly MessagePiece[] {
  const channelEnd = cstringEnd(body, lengthBytes);
  const end = cstringEnd(body, channelEnd + 1);
  return [
    body.subarray(0, lengthBytes),
    cstringPlace(body.subarray(lengthBytes, channelEnd)),
    cstringPlace(body.subarray(channelEnd + 1, end)),
    body.subarray(end + 1),
  ];
}

/** The name of each column is a text. Its table, type and format are behind it. */
function columnNames(body: Buffer): readonly MessagePiece[] {
  const pieces: MessagePiece[] = [body.subarray(0, columnCountBytes)];
  for (let at = columnCountBytes; at < body.length;) {
    const end = cstringEnd(body, at);
    const next = end + 1 + columnBytes;
    pieces.push(cstringPlace(body.subarray(at, end)), body.subarray(end + 1, next));
    at = next;
  }
  return pieces;
}

/** The value of a setting is a text. Its name is before it. */
function parameter(body: Buffer): readonly MessagePiece[] {
  const start = cstringEnd(body, 0) + 1;
  const end = cstringEnd(body, start);
  return [body.subarray(0, start), cstringPlace(body.subarray(start, end)), body.subarray(end + 1)];
}

function cstringEnd(body: Buffer, start: number): number {
  const end = body.indexOf(0, start);
  if (end < 0) {
    throw new GatewayError('malformed', 'The target sent a message with a text that has no end.');
  }
  return end;
}
