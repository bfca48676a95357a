import { GatewayError } from '../domain/errors.ts';

/**
 * Reads one message that is already in memory, from its beginning to its end. Every length is checked against the remaining bytes before anything is taken:
 * reading past the end throws GatewayError `malformed` and never allocates. Integers are big-endian.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #decode: (bytes: Buffer) => string;
  #at: number;

  /** `decode` decodes texts, by default as UTF-8. */
  constructor(bytes: Buffer, start = 0, end = bytes.length, decode: (bytes: Buffer) => string = utf8) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#decode = decode;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** Returns the next byte without reading it. */
  peek(): number {
    const byte = this.#bytes[this.#take(1)] ?? 0;
    this.#at -= 1;
    return byte;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Returns a view of the next bytes, not a copy. */
  bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** Returns the bytes before the next zero byte, and skips the zero byte. */
  cstringBytes(): Buffer {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0 || end >= this.#end) {
      throw new GatewayError('malformed', 'A string in a message has no end.');
    }
    const string = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return string;
  }

  /** Returns the text before the next zero byte, and skips the zero byte. */
  cstring(): string {
    return this.#decode(this.cstringBytes());
  }

  /** Throws GatewayError `malformed` unless everything was read: a message with too many bytes is as wrong as one with too few. */
  finish(): void {
    if (this.left !== 0) {
      throw new GatewayError('malformed', 'A message is longer than what it says.');
    }
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.#end - at) {
      throw new GatewayError('malformed', 'A message is shorter than what it says.');
    }
    this.#at = at + length;
    return at;
  }
}

function utf8(bytes: Buffer): string {
  return bytes.toString('utf8');
}
