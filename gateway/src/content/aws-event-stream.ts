import { crc32 } from 'node:zlib';
import { ByteReader } from '../wire/byte-reader.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import type { AwsMessage, Frame, Splitter } from './frame.ts';

const preludeBytes = 12;
const checksumBytes = 4;
const nothing = Buffer.alloc(0);
const stringType = 7;
/** Length in bytes of a header's value, by the type's number. Null: a length of two bytes goes before the value. */
const valueBytes: readonly (number | null)[] = [0, 0, 1, 2, 4, 8, null, null, 8, 16];

/**
 * Splits application/vnd.amazon.eventstream into its messages. Time is linear. After a damaged prelude nothing more can be found, and the rest of the stream
 * belongs to that message. https://smithy.io/2.0/aws/amazon-eventstream.html
 *
 *     prelude ── it is whole ──▶ message ── all of it came ──▶ prelude
 *        └── it is damaged ──▶ broken
 */
export class AwsMessages implements Splitter {
  readonly isStream = true;
  #phase: 'prelude' | 'message' | 'broken' = 'prelude';
  /** The part of a prelude that has come. */
  #prelude: Buffer = nothing;
  /** Number of bytes of the message that are still to come. */
  #bytesLeft = 0;
  #isDamageTold = false;

  get isBetween(): boolean {
    return this.#phase !== 'broken';
  }

  ends(bytes: Buffer): readonly number[] {
    const ends: number[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#phase === 'prelude') {
        const taken = bytes.subarray(at, at + preludeBytes - this.#prelude.length);
        this.#prelude = this.#prelude.length === 0 ? taken : Buffer.concat([this.#prelude, taken]);
        at += taken.length;
        if (this.#prelude.length === preludeBytes) {
          this.#phase = isPrelude(this.#prelude) ? 'message' : 'broken';
          this.#bytesLeft = this.#prelude.readUInt32BE(0) - preludeBytes;
          this.#prelude = nothing;
          if (this.#phase === 'broken') {
            ends.push(at);
          }
        }
      } else if (this.#phase === 'message') {
        const taken = Math.min(this.#bytesLeft, bytes.length - at);
        this.#bytesLeft -= taken;
        at += taken;
        if (this.#bytesLeft === 0) {
          ends.push(at);
          this.#phase = 'prelude';
        }
      } else {
        at = bytes.length;
        ends.push(at);
      }
    }
    return ends;
  }

  frame(bytes: Buffer): Frame {
    if (this.#isDamageTold) {
      return { is: 'rest', bytes };
    }
    // A damaged prelude is a frame of its own, so that nothing after it is taken for a message.
    this.#isDamageTold = bytes.length === preludeBytes;
    const end = bytes.length - checksumBytes;
    const message = !this.#isDamageTold && crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end) ? readMessage(bytes) : null;
    return message === null ? { is: 'damaged', bytes } : { is: 'message', bytes, message };
  }

  last(bytes: Buffer): Frame {
    return { is: 'unended', bytes };
  }
}

/** True if a message may begin with these bytes. */
function isPrelude(bytes: Buffer): boolean {
  return crc32(bytes.subarray(0, 8)) === bytes.readUInt32BE(8) && bytes.readUInt32BE(0) >= preludeBytes + bytes.readUInt32BE(4) + checksumBytes;
}

/** Encodes one message whose headers are all strings. */
export function composeAwsMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const encoded = new ByteWriter();
  for (const [name, value] of Object.entries(headers)) {
    encoded.uint8(Buffer.byteLength(name)).bytes(Buffer.from(name)).uint8(stringType).int16(Buffer.byteLength(value)).bytes(Buffer.from(value));
  }
  return compose(encoded.finish(), payload);
}

/** The message with another payload, and the same headers. */
export function withPayload({ bytes }: AwsMessage, payload: string): Buffer {
  return compose(bytes.subarray(preludeBytes, preludeBytes + bytes.readUInt32BE(4)), Buffer.from(payload));
}

function compose(headers: Uint8Array, payload: Uint8Array): Buffer {
  const message = new ByteWriter().int32(preludeBytes + headers.length + payload.length + checksumBytes).int32(headers.length);
  const uint32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(checksumBytes);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  message
    .bytes(uint32(crc32(message.finish())))
    .bytes(headers)
    .bytes(payload);
  return message.bytes(uint32(crc32(message.finish()))).finish();
}

/** Decodes a whole message. Null if its headers do not fit. */
function readMessage(bytes: Buffer): AwsMessage | null {
  const payloadStart = preludeBytes + bytes.readUInt32BE(4);
  const reader = new ByteReader(bytes, preludeBytes, payloadStart);
  const headers = new Map<string, string>();
  try {
    while (reader.left > 0) {
      const name = reader.bytes(reader.uint8()).toString('utf8');
      const type = reader.uint8();
      const length = valueBytes[type];
      if (length === undefined) {
        return null;
      }
      const value = reader.bytes(length ?? reader.uint16());
      if (type === stringType) {
        headers.set(name, value.toString('utf8'));
      }
    }
  } catch {
    return null;
  }
  return { headers, payload: bytes.subarray(payloadStart, bytes.length - checksumBytes), bytes };
}
