import { Duplex } from 'node:stream';
import type { ByteStream } from '../../domain/byte-stream.ts';
import { Identification } from './identification.ts';

/** Most bytes that wait for the peer while more is read from it: what it sends may have answers. */
const unansweredBytesMax = 4 * 1024 * 1024;

/** Makes of a connection of the gateway the stream that ssh2 speaks over. It reads no faster and writes no faster than ssh2 and the peer can take. */
export class ConnectionDuplex extends Duplex {
  readonly #connection: Pick<ByteStream, 'flow' | 'pause' | 'resume' | 'queuedBytes' | 'end' | 'destroy'>;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #identification = new Identification();
  /** Called when the peer has taken what was written. */
  #onTaken: (() => void) | null = null;

  constructor(connection: Pick<ByteStream, 'flow' | 'pause' | 'resume' | 'queuedBytes' | 'end' | 'destroy'>, send: (bytes: Uint8Array) => void) {
    super({ allowHalfOpen: false });
    this.#connection = connection;
    this.#send = send;
    connection.flow({
      onBytes: (bytes) => {
        const readable = this.#identification.take(bytes);
        if ((readable.length > 0 && !this.push(readable)) || this.writableLength > unansweredBytesMax) {
          connection.pause();
        }
      },
      onEnd: () => {
        this.push(null);
        this.#taken();
      },
      onDrain: () => {
        this.#taken();
      },
    });
  }

  /** Number of bytes that wait because the peer does not take them: ssh2 writes them whether or not there is room. If it is above 0, `drain` follows. */
  get queuedBytes(): number {
    return this.writableNeedDrain ? this.writableLength : 0;
  }

  override _read(): void {
    if (this.writableLength <= unansweredBytesMax) {
      this.#connection.resume();
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#send(chunk);
    if (this.#connection.queuedBytes > 0) {
      this.#onTaken = callback;
    } else {
      callback();
    }
  }

  override _final(callback: () => void): void {
    this.#connection.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#connection.end();
    callback(error);
  }

  #taken(): void {
    const callback = this.#onTaken;
    this.#onTaken = null;
    callback?.();
    if (this.readableLength < this.readableHighWaterMark) {
      this._read();
    }
  }
}
