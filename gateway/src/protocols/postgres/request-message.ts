import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../../domain/errors.ts';
import type { TextFrame } from '../../content/text-frame.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { nameBytesMax } from './client-units.ts';
import { formatAt, frameHeaderBytes, type Frame } from './codec.ts';
import { frontend } from './messages.ts';
import { composeMessage, cstringPlace, place, textsOf, valuePlace, type MessagePiece } from './text-place.ts';
import { jsonb, plainTypes, textTypes } from './value-types.ts';

/** Returns the types of a statement's parameters, as far as its Parse named them: 0 is a type that the client left open. Null: the statement is not known. */
export type ParameterTypes = (statement: string) => readonly number[] | null;

const binaryFormat = 1;
const lineFeed = 0x0a;
const int16Bytes = 2;
const int32Bytes = 4;
/**
 * Makes a frame of a whole message of the client; null for a message without texts. CopyData must hold whole rows. Throws GatewayError `malformed`; `unsupported`
 * if it holds a value whose texts cannot be found.
 */
export function requestMessage(frame: Frame, typesOf: ParameterTypes): TextFrame | null {
  const pieces = piecesOf(frame, typesOf);
  return pieces === null
    ? null
    : {
        bytes: frameHeaderBytes + frame.body.length,
        texts: textsOf(pieces).map((text) => ({ text, partOf: null })),
        ends: null,
        compose: (texts) => composeMessage(frame.type, pieces, texts),
      };
}

function piecesOf({ type, body }: Frame, typesOf: ParameterTypes): readonly MessagePiece[] | null {
  switch (type) {
    case frontend.query:
    case frontend.copyFail:
      return [onlyString(body)];
    case frontend.parse:
      return parse(body);
    case frontend.bind:
      return bind(body, typesOf);
    case frontend.functionCall:
      return functionCall(body);
    case frontend.copyData:
      return rows(body);
    default:
      return null;
  }
}

function onlyString(body: Buffer): MessagePiece {
  const reader = new ByteReader(body);
  const text = reader.cstringBytes();
  reader.finish();
  return cstringPlace(text);
}

function parse(body: Buffer): readonly MessagePiece[] {
  const reader = new ByteReader(body);
  reader.cstringBytes();
  const head = body.subarray(0, body.length - reader.left);
  const text = cstringPlace(reader.cstringBytes());
  const types = reader.rest();
  if (types.length < int16Bytes || types.length !== int16Bytes + int32Bytes * types.readUInt16BE(0)) {
    throw new GatewayError('malformed', 'A Parse message is longer or shorter than what it says.');
  }
  return [head, text, types];
}

function bind(body: Buffer, typesOf: ParameterTypes): readonly MessagePiece[] {
  const reader = new ByteReader(body);
  reader.cstringBytes();
  const types = typesOf(reader.cstringBytes().toString('latin1', 0, nameBytesMax)) ?? [];
  const parameters = values(body, reader, (at) => types[at] ?? 0);
  const resultFormats = reader.rest();
  if (resultFormats.length < int16Bytes || resultFormats.length !== int16Bytes * (1 + resultFormats.readUInt16BE(0))) {
    throw new GatewayError('malformed', 'A Bind message is longer or shorter than what it says.');
  }
  return [...parameters, resultFormats];
}

function functionCall(body: Buffer): readonly MessagePiece[] {
  const reader = new ByteReader(body);
  reader.uint32();
  const parameters = values(body, reader, () => 0);
  const resultFormat = reader.bytes(int16Bytes);
  reader.finish();
  return [...parameters, resultFormat];
}

/** Reads the formats and values of parameters. The first piece is all of the message before the first value. */
function values(body: Buffer, reader: ByteReader, typeAt: (at: number) => number): readonly MessagePiece[] {
  const formats = Array.from({ length: reader.uint16() }, () => reader.int16());
  const count = reader.uint16();
  const pieces: MessagePiece[] = [body.subarray(0, body.length - reader.left)];
  for (let at = 0; at < count; at += 1) {
    const length = reader.int32();
    if (length < 0) {
      pieces.push(new ByteWriter().int32(length).finish());
    } else {
      const value = reader.bytes(length);
      pieces.push(formatAt(formats, at) === binaryFormat ? binaryValue(value, typeAt(at)) : valuePlace(value));
    }
  }
  return pieces;
}

function binaryValue(value: Buffer, type: number): MessagePiece {
  if (textTypes.has(type) && isUtf8(value)) {
    return valuePlace(value);
  }
  const text = value.subarray(1);
  if (type === jsonb && value[0] === 1 && isUtf8(text)) {
    return place(text, (bytes) =>
      new ByteWriter()
        .int32(1 + bytes.length)
        .uint8(1)
        .bytes(bytes)
        .finish(),
    );
  }
  if (plainTypes.get(type) === value.length) {
    return place(value, (bytes) => {
      // The statement may have other types by now: SQL makes statements too, and an earlier request may still fail. No text that policy changes passes as a number.
      if (bytes !== value) {
        throw unfindable();
      }
      return new ByteWriter().int32(value.length).bytes(value).finish();
    });
  }
  throw unfindable();
}

function unfindable(): GatewayError {
  return new GatewayError(
    'unsupported',
    'Policy changes texts of this request, and those of a value in binary format cannot be found. Send the value as text, or name the type of a text in the Parse message.',
  );
}

/** Each row of COPY data is a text, with its line feed. The binary format has zero bytes before its first value. */
function rows(data: Buffer): readonly MessagePiece[] {
  const pieces: MessagePiece[] = [];
  for (let at = 0; at < data.length;) {
    const lineEnd = data.indexOf(lineFeed, at);
    const end = lineEnd < 0 ? data.length : lineEnd + 1;
    const row = data.subarray(at, end);
    if (row.includes(0)) {
      throw new GatewayError('unsupported', 'Policy changes texts of this request, which cannot be done in the binary format of COPY. Use the text format.');
    }
    pieces.push(place(row, (bytes) => bytes));
    at = end;
  }
  return pieces;
}
