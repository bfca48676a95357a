import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Headers } from '../reading.ts';
import type { PlainRequest } from './plain-request.ts';

/** A connection without a request is closed after this time in ms. */
export const keepAliveMs = 65_000;
/** A piece of at most this many bytes is copied behind its head, so that both are sent in one packet. */
const togetherBytesMax = 16 * 1024;
const unprintable = /[^\t\x20-\x7e\x80-\xff]/;
const keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${keepAliveMs / 1000}\r\n`;
const nothing = Buffer.alloc(0);

/** How the end of a body is told. `none`: this answer has no body, whatever is written. */
type Framing = 'none' | 'length' | 'chunked';

/**
 * The answer to a plain request. It has the members of Node's `ServerResponse` that an exchange uses. It emits `drain` when the client has taken what was queued for
 * it, and `close` when the client has the whole answer or the connection is closed.
 */
export class PlainResponse extends EventEmitter {
  readonly req: PlainRequest;
  readonly #socket: Socket;
  readonly #onAnswered: (isLast: boolean) => void;
  /** True if the head gets a `date`. */
  sendDate = true;
  #hasHead = false;
  #isFinished = false;
  #isEnded = false;
  /** True if the connection ends after this answer. */
  #isLast = false;
  /** The head, until it is sent with the first bytes of the body. */
  #head = '';
  #trailers = '';
  #framing: Framing = 'none';
  /** Bytes that are missing of a body with an announced length. */
  #bytesLeft = 0;

  /** `onAnswered` is called when the whole answer was sent, with true if the connection must end. */
  constructor(req: PlainRequest, onAnswered: (isLast: boolean) => void) {
    super();
    this.req = req;
    this.#socket = req.socket;
    this.#onAnswered = onAnswered;
  }

  get headersSent(): boolean {
    return this.#hasHead;
  }

  get writableFinished(): boolean {
    return this.#isFinished;
  }

  /** True if nothing more can be sent: the client has the whole answer, or the connection is closed. */
  get destroyed(): boolean {
    return this.#isFinished || this.#socket.destroyed;
  }

  /** Bytes that the client has not taken. */
  get writableLength(): number {
    return this.#socket.writableLength;
  }

  /** Sets the head, which is sent with the first bytes of the body. The names of the headers are in lower case, and none of them is `transfer-encoding`. */
  writeHead(status: number, statusText: string, headers: Headers): void {
    assert(!this.#hasHead, 'an answer has one head');
    const length = headers.find(([name]) => name === 'content-length')?.[1];
    this.#isLast = headers.some(([name, value]) => name === 'connection' && value === 'close');
    this.#framing = this.req.method === 'HEAD' || status === 204 || status === 304 ? 'none' : length === undefined ? 'chunked' : 'length';
    this.#bytesLeft = Number(length ?? 0);
    this.#hasHead = true;
    const date = this.sendDate ? `date: ${new Date().toUTCString()}\r\n` : '';
    const coding = this.#framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : '';
    this.#head = `${printLine(`HTTP/1.1 ${status} ${statusText}`)}${printHeaders(headers)}${date}${this.#isLast ? '' : keepAlive}${coding}\r\n`;
  }

  /** Sends the head at once, before any bytes of the body. */
  flushHeaders(): void {
    this.#send(nothing, false);
  }

  /** Sends an interim answer. */
  writeInformation(status: number, statusText: string, headers: Headers): void {
    assert(!this.#hasHead, 'an interim answer comes before the answer');
    this.#socket.write(`${printLine(`HTTP/1.1 ${status} ${statusText}`)}${printHeaders(headers)}\r\n`, 'latin1');
  }

  /** Sets the trailers, which are sent after a body whose length is not announced. */
  addTrailers(trailers: Headers): void {
    this.#trailers = printHeaders(trailers);
  }

  write(piece: Uint8Array): void {
    assert(!this.#isEnded, 'nothing follows the end of an answer');
    this.#send(piece, false);
  }

  end(piece: Uint8Array = nothing): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#send(piece, true);
    }
  }

  /** Breaks the answer off, if the client does not have all of it. After that the connection may serve another request. */
  destroy(): void {
    if (!this.#isFinished) {
      this.#socket.destroy();
    }
  }

  /** A body that is not as long as was announced ends the connection, because the client would take the next answer for a part of it. */
  #send(piece: Uint8Array, isEnd: boolean): void {
    const isChunk = this.#framing === 'chunked' && piece.length > 0;
    const before = isChunk ? `${this.#head}${piece.length.toString(16)}\r\n` : this.#head;
    const after = `${isChunk ? '\r\n' : ''}${isEnd && this.#framing === 'chunked' ? `0\r\n${this.#trailers}\r\n` : ''}`;
    this.#head = '';
    if (this.#framing === 'length') {
      this.#bytesLeft -= piece.length;
      if (this.#bytesLeft < 0 || (isEnd && this.#bytesLeft > 0)) {
        this.#socket.destroy();
        return;
      }
    }
    this.#write(before, this.#framing === 'none' ? nothing : piece, { after, sent: isEnd ? this.#onSent : undefined });
  }

  #write(before: string, piece: Uint8Array, { after, sent }: { readonly after: string; readonly sent: ((error?: Error | null) => void) | undefined }): void {
    const socket = this.#socket;
    if (before === '' && piece.length === 0 && after === '' && sent === undefined) {
      return;
    }
    if (piece.length <= togetherBytesMax) {
      const bytes = Buffer.allocUnsafe(before.length + piece.length + after.length);
      bytes.write(before, 0, 'latin1');
      bytes.set(piece, before.length);
      bytes.write(after, before.length + piece.length, 'latin1');
      socket.write(bytes, sent);
    } else {
      socket.cork();
      socket.write(before, 'latin1');
      socket.write(piece);
      socket.write(after, 'latin1', sent);
      socket.uncork();
    }
  }

  readonly #onSent = (error?: Error | null): void => {
    // After an error the socket closes, and the connection tells that.
    if (error === undefined || error === null) {
      this.#isFinished = true;
      this.emit('close');
      this.#onAnswered(this.#isLast);
    }
  };
}

function printHeaders(headers: Headers): string {
  let text = '';
  for (const [name, value] of headers) {
    text += printLine(`${name}: ${value}`);
  }
  return text;
}

function printLine(line: string): string {
  assert(!unprintable.test(line), 'a line of a head has no control characters');
  return `${line}\r\n`;
}
