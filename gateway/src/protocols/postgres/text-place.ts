import { isUtf8 } from 'node:buffer';
import { ByteWriter } from '../../wire/byte-writer.ts';

/** A text of a message. `write` makes the bytes of the changed text, with its length or its end. */
export interface Place {
  readonly text: string;
  readonly write: (text: string) => Buffer;
}

/** A part of a message's body: a text that policy may change, or bytes that stay as they are. */
export type MessagePiece = Buffer | Place;

const lengthBytes = 4;
/** Matches characters that Latin-1 does not have. Each is written as one question mark, because a part of it could be taken for another character. */
const notLatin1 = /[^\0-\u{ff}]/gu;

/** Makes a text of bytes. Bytes that are not UTF-8 are read one by one as Latin-1, so that no encoding hides a text. */
export function place(value: Buffer, wrap: (bytes: Buffer) => Buffer): Place {
  const isRead = isUtf8(value);
  const text = value.toString(isRead ? 'utf8' : 'latin1');
  return {
    text,
    write: (changed) => wrap(changed === text ? value : isRead ? Buffer.from(changed) : Buffer.from(changed.replaceAll(notLatin1, '?'), 'latin1')),
  };
}

/** Makes a text of a value, which has its length before it. */
export function valuePlace(value: Buffer): Place {
  return place(value, (bytes) => new ByteWriter().int32(bytes.length).bytes(bytes).finish());
}

/** Makes a text of a string, which has a zero byte at its end. */
export function cstringPlace(value: Buffer): Place {
  return place(value, (bytes) => Buffer.concat([bytes.filter((byte) => byte !== 0), Buffer.alloc(1)]));
}

/** Returns the texts among the pieces of a message. */
export function textsOf(pieces: readonly MessagePiece[]): readonly string[] {
  return pieces.flatMap((piece) => (Buffer.isBuffer(piece) ? [] : [piece.text]));
}

/** Makes the message again, with a new text for each of its texts. */
export function composeMessage(type: number, pieces: readonly MessagePiece[], texts: readonly string[]): Buffer {
  let at = 0;
  const written = pieces.map((piece) => (Buffer.isBuffer(piece) ? piece : piece.write(texts[at++] ?? '')));
  const length = written.reduce((sum, each) => sum + each.length, lengthBytes);
  return written.reduce((writer, each) => writer.bytes(each), new ByteWriter().uint8(type).int32(length)).finish();
}
