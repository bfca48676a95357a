import type { Socket } from 'node:net';
import { readPlainHead } from '../exchange/plain/plain-head.ts';
import { PlainRequest } from '../exchange/plain/plain-request.ts';
import { keepAliveMs, PlainResponse } from '../exchange/plain/plain-response.ts';
import { ByteWriter } from '../wire/byte-writer.ts';

/** Most bytes that are held of what a client sends before it has the answer to an earlier request. A client that sends more is cut off (ATTACKS D33). */
const earlyBytesMax = 64 * 1024;
const sweepMs = 1_000;

export interface PlainClient {
  /** Says of the path of a request with a plain head whether it is served here. */
  readonly takes: (url: string) => boolean;
  readonly serve: (request: PlainRequest, response: PlainResponse) => void;
  /** Called when the connection is given to Node's server. The bytes of the request that is not served here were given back to the socket. */
  readonly handOver: () => void;
}

/**
 * Serves connections of HTTP/1.1 as long as their requests are plain. A connection is given to Node's server with the first request that is not: it has a head that is
 * not plain or comes in several pieces, or a path that is not served here. Node's server then serves the rest of the connection.
 */
export class PlainConnections {
  readonly #connections = new Set<PlainConnection>();
  #sweeping: NodeJS.Timeout | null = null;

  /** Serves a connection. Bytes that were read from the socket before must have been given back to it. The caller handles the socket's errors. */
  accept(socket: Socket, client: PlainClient): void {
    const connection = new PlainConnection(socket, client, () => {
      this.#connections.delete(connection);
    });
    this.#connections.add(connection);
    this.#sweeping ??= setInterval(() => {
      this.closeIdle(performance.now());
    }, sweepMs).unref();
  }

  /** Closes the connections that had no request for too long at this time, on the clock of `performance.now()`. */
  closeIdle(nowMs: number): void {
    for (const connection of this.#connections) {
      connection.closeIdle(nowMs);
    }
    if (this.#connections.size === 0) {
      clearInterval(this.#sweeping ?? undefined);
      this.#sweeping = null;
    }
  }
}

class PlainConnection {
  readonly #socket: Socket;
  readonly #client: PlainClient;
  readonly #onLeft: () => void;
  /** The request that is served, until it has arrived and was answered. */
  #request: PlainRequest | null = null;
  /** Its answer, until all of it was sent. */
  #response: PlainResponse | null = null;
  /** Bytes that came after the request. They are joined as they come, so that a client that sends single bytes does not cost a buffer for each. Null: none came. */
  #early: ByteWriter | null = null;
  #idleSinceMs = performance.now();

  /** `onLeft` is called when the connection is closed or given to Node's server. */
  constructor(socket: Socket, client: PlainClient, onLeft: () => void) {
    this.#socket = socket;
    this.#client = client;
    this.#onLeft = onLeft;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('close', this.#onClose);
  }

  /** Closes the connection if the gateway waits for the client and nothing came for too long. */
  closeIdle(nowMs: number): void {
    if (this.#response === null && nowMs - this.#idleSinceMs > keepAliveMs) {
      this.#socket.destroy();
    }
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#request === null) {
      this.#begin(bytes);
      return;
    }
    this.#idleSinceMs = performance.now();
    this.#hold(bytes.subarray(this.#request.arrive(bytes)));
    this.#next();
  };

  #begin(bytes: Buffer): void {
    const head = readPlainHead(bytes);
    if (head === null || !this.#client.takes(head.url)) {
      this.#handOver(bytes);
      return;
    }
    const request = new PlainRequest(this.#socket, head);
    const response = new PlainResponse(request, this.#onAnswered);
    this.#request = request;
    this.#response = response;
    this.#hold(bytes.subarray(head.bytes + request.arrive(bytes.subarray(head.bytes))));
    this.#client.serve(request, response);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length > 0) {
      this.#early ??= new ByteWriter();
      this.#early.bytes(bytes);
      if (this.#early.length > earlyBytesMax) {
        this.#socket.destroy();
      }
    }
  }

  readonly #onAnswered = (isLast: boolean): void => {
    this.#response = null;
    this.#idleSinceMs = performance.now();
    if (isLast) {
      this.#end();
      return;
    }
    if (this.#request?.complete === false) {
      // Nobody needs what is still to come of the body.
      this.#request.resume();
    }
    this.#next();
  };

  /** Begins the next request if the last one has arrived and was answered. */
  #next(): void {
    if (this.#response !== null || this.#request?.complete !== true) {
      return;
    }
    this.#request = null;
    const early = this.#early;
    if (early !== null) {
      this.#early = null;
      this.#begin(early.finish());
    }
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('close', this.#onClose);
    this.#onLeft();
    socket.pause();
    socket.unshift(bytes);
    this.#client.handOver();
    socket.resume();
  }

  /** Closes the connection when the client has taken what was written. What the client still sends is discarded. */
  #end(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.resume();
    this.#socket.destroySoon();
  }

  /** A client that ends its side gets what was already written to it, and no answer that is still to come. */
  readonly #onEnd = (): void => {
    this.#end();
  };

  readonly #onDrain = (): void => {
    this.#response?.emit('drain');
  };

  readonly #onClose = (): void => {
    this.#onLeft();
    if (this.#request?.complete === false) {
      this.#request.destroy();
    }
    this.#response?.emit('close');
  };
}
