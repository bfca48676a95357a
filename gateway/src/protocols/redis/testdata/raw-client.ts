import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { GatewayError } from '../../../domain/errors.ts';
import { command } from '../compose.ts';
import { ReplyReader, type ReplyPiece } from '../reply-reader.ts';

/** A reply, or a message that the client did not ask for. */
export interface Reply {
  readonly type: string;
  /** The texts in it, in lines. */
  readonly text: string;
  readonly bytes: Buffer;
}

/** A client that sends bytes and reads replies. It rejects nothing: where the connection ends, the reply is null. */
export class RawClient {
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #replies: Reply[] = [];
  readonly #waiting: ((reply: Reply | null) => void)[] = [];
  #pieces: ReplyPiece[] = [];
  #isOver = false;
  /** All bytes that came. */
  readonly received: Buffer[] = [];

  constructor(address: string) {
    const [host = '', port = ''] = address.split(':');
    this.#socket = connect(Number(port), host);
    this.#socket.on('data', (bytes: Buffer) => {
      this.received.push(bytes);
      this.#reader.push(bytes);
      try {
        for (let piece = this.#reader.next(Infinity); piece !== null; piece = this.#reader.next(Infinity)) {
          this.#take(piece);
        }
      } catch (error) {
        // A client ends a connection over which no replies come.
        assert.ok(error instanceof GatewayError);
        this.#socket.destroy();
      }
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#isOver = true;
      for (const resolve of this.#waiting.splice(0)) {
        resolve(null);
      }
    });
  }

  #take(piece: ReplyPiece): void {
    this.#pieces.push(piece);
    if (piece.ends) {
      const pieces = this.#pieces;
      this.#pieces = [];
      const reply = {
        type: pieces[0]?.type ?? '',
        text: pieces.flatMap(({ text }) => (text === null ? [] : [text.toString()])).join('\n'),
        bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)),
      };
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#replies.push(reply);
      } else {
        next(reply);
      }
    }
  }

  send(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  /** Resolves with the next reply or message. Null: the connection has ended. */
  async reply(): Promise<Reply | null> {
    const reply = this.#replies.shift();
    if (reply !== undefined || this.#isOver) {
      return reply ?? null;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async ask(...args: readonly string[]): Promise<Reply | null> {
    this.send(command(...args));
    return this.reply();
  }

  close(): void {
    this.#socket.end();
  }

  leave(): void {
    this.#socket.destroy();
  }
}
