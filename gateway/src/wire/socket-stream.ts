import type { Socket } from 'node:net';
import { GatewayError } from '../domain/errors.ts';
import type { ByteStream, Receiver } from '../domain/protocol.ts';

/** Bytes held for a reader that has not asked for them; past this the socket is left unread. */
const heldBytesMax = 64 * 1024;
/** How long a peer may take to read our last words before the connection is cut. */
const lingerMs = 2000;

/**
 * A socket read one piece at a time first, then flowing to a receiver. Nothing is read from the socket that nobody waits for, so
 * what a peer pipelines stays in the kernel.
 */
export class SocketStream implements ByteStream {
  protected socket: Socket;
  #held: Buffer[] = [];
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  #receiver: Receiver | null = null;
  #told = false;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#attach(socket);
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  async read(limitMs: number): Promise<Buffer | null> {
    const next = this.#held.shift();
    if (next !== undefined) {
      return next;
    }
    if (this.#ended || this.#failure !== null) {
      return null;
    }
    this.socket.resume();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      resolve();
    }, limitMs);
    await promise;
    clearTimeout(timer);
    this.#wake = null;
    if (late && this.#held.length === 0 && !this.#ended) {
      throw new GatewayError('deadline_exceeded', 'The other side was silent for too long.');
    }
    return this.#held.shift() ?? null;
  }

  unread(bytes: Buffer): void {
    if (bytes.length > 0) {
      this.#held.unshift(bytes);
    }
  }

  flow(receiver: Receiver): void {
    this.#receiver = receiver;
    const held = this.#held;
    this.#held = [];
    for (const bytes of held) {
      receiver.onBytes(bytes);
    }
    if (this.#ended || this.#failure !== null) {
      this.#tellEnd();
    } else {
      this.socket.resume();
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  write(bytes: Uint8Array): void {
    if (this.socket.writable) {
      this.socket.write(bytes);
    }
  }

  /** Several pieces as one write. */
  writeAll(pieces: readonly Uint8Array[]): void {
    if (!this.socket.writable) {
      return;
    }
    this.socket.cork();
    for (const piece of pieces) {
      this.socket.write(piece);
    }
    this.socket.uncork();
  }

  end(): void {
    const { socket } = this;
    if (socket.destroyed) {
      return;
    }
    // Our side closes; what the peer still sends is read and dropped until it closes too.
    socket.end();
    socket.resume();
    const timer = setTimeout(() => {
      socket.destroy();
    }, lingerMs);
    timer.unref();
    socket.once('close', () => {
      clearTimeout(timer);
    });
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** How many bytes were read and not consumed. */
  protected get heldBytes(): number {
    return this.#held.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** Hands the raw socket over, to a TLS layer; bytes read meanwhile go back into it. */
  protected detach(): Socket {
    const { socket } = this;
    socket.removeAllListeners('data');
    socket.removeAllListeners('end');
    socket.removeAllListeners('drain');
    socket.pause();
    for (const bytes of this.#held.toReversed()) {
      socket.unshift(bytes);
    }
    this.#held = [];
    return socket;
  }

  /** Goes on over another socket (the TLS layer). */
  protected replace(socket: Socket): void {
    this.socket = socket;
    this.#attach(socket);
  }

  #attach(socket: Socket): void {
    socket.pause();
    socket.on('data', (bytes: Buffer) => {
      if (this.#receiver !== null) {
        this.#receiver.onBytes(bytes);
        return;
      }
      this.#held.push(bytes);
      if (this.heldBytes >= heldBytesMax || this.#wake !== null) {
        socket.pause();
      }
      this.#wake?.();
    });
    socket.on('end', () => {
      this.#finish(null);
    });
    socket.on('error', (error) => {
      this.#finish(error);
    });
    socket.on('close', () => {
      this.#finish(null);
    });
    socket.on('drain', () => {
      this.#receiver?.onDrain();
    });
  }

  #finish(error: Error | null): void {
    this.#failure ??= error;
    this.#ended = true;
    this.#wake?.();
    if (this.#receiver !== null) {
      this.#tellEnd();
    }
  }

  #tellEnd(): void {
    if (!this.#told) {
      this.#told = true;
      this.#receiver?.onEnd(this.#failure);
    }
  }
}
