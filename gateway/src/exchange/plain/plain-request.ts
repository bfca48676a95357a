import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { PlainHead } from './plain-head.ts';

/** The headers of a request that say where it goes and how its body is framed. */
interface FramingHeaders {
  readonly host: string;
  readonly 'content-length': string | undefined;
  readonly 'transfer-encoding'?: undefined;
  readonly ':authority'?: undefined;
}

/** A request with a plain head, as a stream of its body. It has the members of Node's `IncomingMessage` that an exchange uses. */
export class PlainRequest extends Readable {
  readonly method: string;
  readonly url: string;
  readonly headers: FramingHeaders;
  readonly rawHeaders: readonly string[];
  /** Only a chunked body has trailers. */
  readonly rawTrailers: readonly string[] = [];
  readonly socket: Socket;
  readonly #bodyBytes: number;
  /** Bytes of the body that have not arrived. */
  #bytesLeft: number;
  /** The body, if all of it came in one piece and nobody has taken it. */
  #whole: Buffer | null = null;
  /** True if the stream waits for bytes of the body. */
  #isAwaited = false;
  #onTimeout: (() => void) | null = null;

  constructor(socket: Socket, { method, url, rawHeaders, host, contentLength }: PlainHead) {
    super({ autoDestroy: false });
    this.socket = socket;
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.headers = { host, 'content-length': contentLength };
    this.#bodyBytes = Number(contentLength ?? 0);
    this.#bytesLeft = this.#bodyBytes;
  }

  /** True if all of the body has arrived. */
  get complete(): boolean {
    return this.#bytesLeft === 0;
  }

  /** Takes the bytes at the beginning of `bytes` that belong to the body, and returns their number. If the body is not read, no more is read from the client. */
  arrive(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#bytesLeft);
    const piece = bytes.subarray(0, taken);
    this.#bytesLeft -= taken;
    if (taken === this.#bodyBytes && !this.#isAwaited) {
      this.#whole = piece;
    } else if (taken > 0) {
      const isWanted = this.push(piece);
      if (this.#bytesLeft === 0) {
        this.push(null);
      } else if (!isWanted) {
        this.socket.pause();
      }
    }
    return taken;
  }

  /** Returns the body if all of it came in one piece; otherwise null, and it must be read from the stream. */
  takeWhole(): Buffer | null {
    const whole = this.#whole;
    this.#whole = null;
    return whole;
  }

  /** Calls back when the client has sent nothing for this time in ms. Zero ends that. */
  setTimeout(ms: number, onTimeout?: () => void): void {
    if (this.#onTimeout !== null) {
      this.socket.off('timeout', this.#onTimeout);
    }
    this.#onTimeout = onTimeout ?? null;
    if (onTimeout !== undefined) {
      this.socket.on('timeout', onTimeout);
    }
    this.socket.setTimeout(ms);
  }

  override _read(): void {
    const whole = this.takeWhole();
    if (whole !== null) {
      this.push(whole);
      this.push(null);
    } else if (!this.complete) {
      this.#isAwaited = true;
      this.socket.resume();
    }
  }

  /** A request that ends before its body does ends its connection. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.complete) {
      this.socket.destroy();
    }
    callback(error);
  }
}
