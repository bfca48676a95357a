import { crc32 } from 'node:zlib';
import { ByteReader } from '../wire/byte-reader.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { defaultEventBytesMax } from './event-bytes.ts';

export interface AwsMessage {
  /** Headers whose value is a string; of the other types nothing is needed. */
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Buffer;
}

const preludeBytes = 12;
const checksumBytes = 4;
const stringType = 7;
/** Bytes of a header's value by its type; null: a length of two bytes goes before it. */
const valueBytes: readonly (number | null)[] = [0, 0, 1, 2, 4, 8, null, null, 8, 16];

/**
 * Reads application/vnd.amazon.eventstream piece by piece: any cutting gives the same messages, in linear time. Any bytes are acceptable:
 * a message that is damaged is skipped and counted; after a damaged prelude nothing more can be found and nothing more is read.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export class AwsEventStream {
  readonly #messageBytesMax: number;
  /** The beginning of a message whose end has not come. */
  #held = new ByteWriter();
  /** Of the message that is being read; 0 before its prelude is whole. */
  #messageBytes = 0;
  /** Bytes still to be read over. */
  #skippingBytes = 0;
  #skipped = 0;
  #isBroken = false;

  /** A longer message is skipped and counted. */
  constructor(messageBytesMax = defaultEventBytesMax) {
    this.#messageBytesMax = messageBytesMax;
  }

  get skipped(): number {
    return this.#skipped;
  }

  /** What came ends with the end of a message, or is nothing. */
  get isBetweenMessages(): boolean {
    return this.#held.length === 0 && this.#messageBytes === 0 && this.#skippingBytes === 0 && !this.#isBroken;
  }

  /** The messages that end in this piece. */
  push(piece: Uint8Array): AwsMessage[] {
    const messages: AwsMessage[] = [];
    let at = 0;
    while (at < piece.length && !this.#isBroken) {
      if (this.#skippingBytes > 0) {
        const skipped = Math.min(this.#skippingBytes, piece.length - at);
        this.#skippingBytes -= skipped;
        at += skipped;
        continue;
      }
      const wanted = (this.#messageBytes === 0 ? preludeBytes : this.#messageBytes) - this.#held.length;
      const taken = piece.subarray(at, at + wanted);
      this.#held.bytes(taken);
      at += taken.length;
      if (taken.length === wanted) {
        const message = this.#messageBytes === 0 ? this.#beginMessage() : this.#endMessage();
        if (message !== null) {
          messages.push(message);
        }
      }
    }
    return messages;
  }

  #beginMessage(): null {
    const prelude = this.#held.finish();
    const total = prelude.readUInt32BE(0);
    const headers = prelude.readUInt32BE(4);
    if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8) || total < preludeBytes + headers + checksumBytes) {
      this.#isBroken = true;
      this.#skipped += 1;
    } else if (total > this.#messageBytesMax) {
      this.#skippingBytes = total - preludeBytes;
      this.#skipped += 1;
      this.#held = new ByteWriter();
    } else {
      this.#messageBytes = total;
    }
    return null;
  }

  #endMessage(): AwsMessage | null {
    const bytes = this.#held.finish();
    this.#held = new ByteWriter();
    this.#messageBytes = 0;
    const end = bytes.length - checksumBytes;
    const message = crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end) ? readMessage(bytes.subarray(0, end)) : null;
    this.#skipped += message === null ? 1 : 0;
    return message;
  }
}

/** One message with headers of string type. */
export function composeAwsMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const encoded = new ByteWriter();
  for (const [name, value] of Object.entries(headers)) {
    encoded.uint8(Buffer.byteLength(name)).bytes(Buffer.from(name)).uint8(stringType).int16(Buffer.byteLength(value)).bytes(Buffer.from(value));
  }
  const message = new ByteWriter().int32(preludeBytes + encoded.length + payload.length + checksumBytes).int32(encoded.length);
  const uint32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(checksumBytes);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  message
    .bytes(uint32(crc32(message.finish())))
    .bytes(encoded.finish())
    .bytes(payload);
  return message.bytes(uint32(crc32(message.finish()))).finish();
}

/** Null when its headers do not fit. */
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
  return { headers, payload: bytes.subarray(payloadStart) };
}
