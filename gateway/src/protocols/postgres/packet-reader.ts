import { GatewayError } from '../../domain/errors.ts';
import type { ByteStream } from '../../domain/byte-stream.ts';

export interface PacketLimits {
  /** Most bytes of a single message. Its declared length is checked before its bytes are waited for. */
  readonly messageBytesMax: number;
  /** Most bytes of all messages together. */
  readonly totalBytesMax: number;
  /** The time at which the login must be complete, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

/** Reads a login from a stream one message at a time. It consumes only what was asked for and gives the rest back. */
export class PacketReader {
  readonly #stream: ByteStream;
  readonly #limits: PacketLimits;
  #buffer: Buffer = Buffer.alloc(0);
  #totalBytes = 0;

  constructor(stream: ByteStream, limits: PacketLimits) {
    this.#stream = stream;
    this.#limits = limits;
  }

  /** Number of bytes that were read and not consumed. */
  get leftBytes(): number {
    return this.#buffer.length;
  }

  /** Gives the bytes that were not consumed back to the stream. */
  release(): void {
    this.#stream.unread(this.#buffer);
    this.#buffer = Buffer.alloc(0);
  }

  /** Returns the next bytes without consuming them; null if the peer closed before they came. */
  async peek(length: number): Promise<Buffer | null> {
    const pieces: Buffer[] = [this.#buffer];
    let bytes = this.#buffer.length;
    while (bytes < length) {
      const piece = await this.#stream.read(this.#leftMs());
      if (piece === null) {
        this.#buffer = Buffer.concat(pieces, bytes);
        return null;
      }
      pieces.push(piece);
      bytes += piece.length;
    }
    this.#buffer = pieces.length === 1 ? this.#buffer : Buffer.concat(pieces, bytes);
    return this.#buffer;
  }

  async take(length: number): Promise<Buffer | null> {
    const bytes = await this.peek(length);
    if (bytes === null) {
      return null;
    }
    this.#totalBytes += length;
    if (this.#totalBytes > this.#limits.totalBytesMax) {
      throw new GatewayError('limit_exceeded', 'The login is longer than the limit.');
    }
    this.#buffer = bytes.subarray(length);
    return bytes.subarray(0, length);
  }

  /** Reads a message of type byte, length and body. Returns all of it. */
  async message(): Promise<Buffer | null> {
    const header = await this.peek(5);
    if (header === null) {
      return null;
    }
    const length = header.readUInt32BE(1);
    if (length < 4 || length > this.#limits.messageBytesMax) {
      throw new GatewayError('malformed', 'A message of the login has an impossible length.');
    }
    return this.take(1 + length);
  }

  #leftMs(): number {
    const leftMs = this.#limits.deadlineMs - performance.now();
    if (leftMs <= 0) {
      throw new GatewayError('deadline_exceeded', 'The login took too long.');
    }
    return leftMs;
  }
}
