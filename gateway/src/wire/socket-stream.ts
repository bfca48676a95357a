import { strict as assert } from 'node:assert';
import type { Socket } from 'node:net';
import { GatewayError } from '../domain/errors.ts';
import type { ByteStream, Receiver } from '../domain/byte-stream.ts';

/** When the gateway ends a connection, the peer has this long in ms to take the bytes that are still queued. */
const lingerMs = 3_000;

/**
 * A socket, of TCP or of TLS, whose bytes are read one piece at a time until they `flow`. While nobody reads, at most the socket's own buffer (64 KiB) fills.
 * Errors of the socket are never unhandled: they end the stream.
 */
export class SocketStream implements ByteStream {
  readonly closed: Promise<void>;
  readonly #resolveClosed: () => void;
  /** Pieces that were read from the socket and that nobody has consumed. */
  readonly #waiting: Buffer[] = [];
  #socket: Socket;
  #reader: ((bytes: Buffer | null) => void) | null = null;
  #receiver: Receiver | null = null;
  #isPaused = false;
  #isEnding = false;
  /** How the peer ended the connection. `error` is null if it ended in an orderly way. */
  #peerEnd: { readonly error: Error | null } | null = null;
  #isPeerEndTold = false;
  #lingering: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#socket = socket;
    this.#attach();
  }

  async read(limitMs: number): Promise<Buffer | null> {
    assert(this.#reader === null && this.#receiver === null, 'one reader at a time, and none once the bytes flow');
    const waiting = this.#waiting.shift();
    if (waiting !== undefined || this.#peerEnd !== null) {
      return waiting ?? null;
    }
    const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>();
    const timer = setTimeout(() => {
      this.#reader = null;
      this.#socket.pause();
      reject(new GatewayError('deadline_exceeded', `The peer sent nothing for ${limitMs / 1000} s.`));
    }, limitMs);
    this.#reader = (bytes) => {
      this.#reader = null;
      clearTimeout(timer);
      resolve(bytes);
    };
    this.#socket.resume();
    return promise;
  }

  unread(bytes: Buffer): void {
    if (bytes.length > 0) {
      this.#waiting.unshift(bytes);
    }
  }

  flow(receiver: Receiver): void {
    assert(this.#reader === null && this.#receiver === null, 'bytes flow to one receiver, after the last read');
    this.#receiver = receiver;
    this.#deliver();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  get queuedBytes(): number {
    return this.#socket.writableNeedDrain ? this.#socket.writableLength : 0;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  end(): void {
    if (this.#isEnding) {
      return;
    }
    this.#isEnding = true;
    this.#waiting.length = 0;
    this.#socket.end();
    // The gateway reads on to see the peer's end, and because unread bytes would reset the connection and lose our last words.
    this.#socket.resume();
    this.#lingering = setTimeout(() => {
      this.#socket.destroy();
    }, lingerMs);
    if (this.#socket.destroyed) {
      clearTimeout(this.#lingering);
    }
  }

  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  protected send(bytes: Uint8Array): void {
    if (!this.#isEnding) {
      this.#socket.write(bytes);
    }
  }

  protected get socket(): Socket {
    return this.#socket;
  }

  /** True if bytes arrived unencrypted that nobody consumed. */
  protected get hasUnread(): boolean {
    return this.#waiting.length > 0 || this.#socket.readableLength > 0;
  }

  /** Puts bytes that nobody consumed back into the socket, because a TLS handshake begins with them. */
  protected giveBack(): void {
    const waiting = Buffer.concat(this.#waiting);
    this.#waiting.length = 0;
    if (waiting.length > 0) {
      this.#socket.unshift(waiting);
    }
  }

  /** Continues over `wrap(socket)`, which is TLS over the present socket. */
  protected wrap<Outer extends Socket>(wrap: (inner: Socket) => Outer): Outer {
    const inner = this.#socket;
    inner.off('data', this.#onData);
    inner.off('end', this.#onEnd);
    inner.off('close', this.#onClose);
    inner.off('drain', this.#onDrain);
    const outer = wrap(inner);
    this.#socket = outer;
    this.#attach();
    return outer;
  }

  #attach(): void {
    this.#socket.pause();
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
    this.#socket.on('drain', this.#onDrain);
    // A socket from another listener may have ended on its way here.
    if (this.#socket.closed) {
      this.#onClose();
    } else if (this.#socket.readableEnded) {
      this.#onEnd();
    }
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#receiver !== null && !this.#isPaused && !this.#isEnding) {
      this.#receiver.onBytes(bytes);
    } else if (this.#reader !== null) {
      this.#socket.pause();
      this.#reader(bytes);
    } else if (!this.#isEnding) {
      this.#waiting.push(bytes);
      this.#socket.pause();
    }
  };

  readonly #onEnd = (): void => {
    this.#tellPeerEnd(null);
  };

  readonly #onError = (error: Error): void => {
    this.#tellPeerEnd(error);
  };

  readonly #onClose = (): void => {
    clearTimeout(this.#lingering);
    this.#tellPeerEnd(null);
    this.#resolveClosed();
  };

  readonly #onDrain = (): void => {
    this.#receiver?.onDrain();
  };

  #tellPeerEnd(error: Error | null): void {
    this.#peerEnd ??= { error };
    this.#reader?.(null);
    if (this.#receiver !== null && this.#waiting.length === 0 && !this.#isPeerEndTold) {
      this.#isPeerEndTold = true;
      this.#receiver.onEnd(this.#peerEnd.error);
    }
  }

  /** Gives the receiver the bytes that were read before it was set, then those of the socket, in order. The receiver may pause at any piece. */
  #deliver(): void {
    while (this.#receiver !== null && !this.#isPaused) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) {
        break;
      }
      this.#receiver.onBytes(bytes);
    }
    if (this.#isPaused) {
      return;
    }
    if (this.#peerEnd !== null) {
      this.#tellPeerEnd(null);
    } else if (this.#receiver !== null) {
      this.#socket.resume();
    }
  }
}
