import type { ByteStream } from '../../domain/byte-stream.ts';
import { GatewayError } from '../../domain/errors.ts';
import { packetsOf, PacketReader } from './packets.ts';

/** Most bytes of one payload of a login, and most payloads of a peer in it. */
const payloadBytesMax = 64 * 1024;
const payloadsMax = 16;

/** Speaks with one peer during a login, payload by payload. */
export class PacketStream {
  readonly #stream: ByteStream;
  readonly #write: (bytes: Buffer) => void;
  readonly #reader = new PacketReader();
  #payloads = 0;

  constructor(stream: ByteStream, write: (bytes: Buffer) => void) {
    this.#stream = stream;
    this.#write = write;
  }

  /** The number of the packet that is sent next, or comes next. */
  get number(): number {
    return this.#reader.number;
  }

  /** Sends a payload. */
  send(payload: Buffer): void {
    const packets = packetsOf(payload, this.#reader.number);
    this.#reader.expect(this.#reader.number + 1);
    this.#write(packets);
  }

  /**
   * Resolves with the next payload; null if the peer has closed the connection. `deadlineMs` is the time at which the login must have ended, on the clock of `performance.now()`.
   * Rejects with GatewayError `malformed`, `limit_exceeded` or `deadline_exceeded`.
   */
  async next(deadlineMs: number): Promise<Buffer | null> {
    for (;;) {
      const piece = this.#reader.whole(payloadBytesMax, 'A packet of a login');
      if (piece?.payload != null) {
        this.#payloads += 1;
        if (this.#payloads > payloadsMax) {
          throw new GatewayError('limit_exceeded', `A login takes more than ${payloadsMax} packets.`);
        }
        return piece.payload;
      }
      const read = await this.#stream.read(Math.max(1, deadlineMs - performance.now()));
      if (read === null) {
        return null;
      }
      this.#reader.push(read);
    }
  }

  /** Gives the bytes that were not read back to the stream. */
  release(): void {
    this.#stream.unread(this.#reader.rest());
  }
}
