import { crc32 } from 'node:zlib';
import { ByteReader } from '../wire/byte-reader.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { defaultEventBytesMax } from './event-bytes.ts';

export interface AwsMessage {
  /** The headers whose value is a string. Headers of other types are not needed. */
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Buffer;
  /** The whole message as it came. */
  readonly bytes: Buffer;
}

const preludeBytes = 12;
const checksumBytes = 4;
const stringType = 7;
/** Length in bytes of a header's value, by the type's number. Null: a length of two bytes goes before the value. */
const valueBytes: readonly (number | null)[] = [0, 0, 1, 2, 4, 8, null, null, 8, 16];

/**
 * Reads application/vnd.amazon.eventstream piece by piece. Pieces may be cut anywhere; time is linear. Any bytes are acceptable:
 * a damaged message is skipped and counted. After a damaged prelude nothing more can be found, and nothing more is read.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export class AwsEventStream {
  readonly #messageBytesMax: number;
  /** The beginning of a message whose end has not come. */
  #held = new ByteWriter();
  /** Length in bytes of the message that is being read; 0 until its prelude is whole. */
  #messageBytes = 0;
  /** Number of bytes that are still to be skipped. */
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

  /** True if the bytes that came end with the end of a message, or none came. */
  get isBetweenMessages(): boolean {
    return this.#held.length === 0 && this.#messageBytes === 0 && this.#skippingBytes === 0 && !this.#isBroken;
  }

  /** Takes the next piece and returns the messages that end in it. */
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
    const message = crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end) ? readMessage(bytes) : null;
    this.#skipped += message === null ? 1 : 0;
    return message;
  }
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
