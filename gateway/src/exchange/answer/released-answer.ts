import type { UpstreamCall } from '../../domain/call.ts';
import type { Channel } from '../../domain/channel.ts';
import { endBody, flushHead, onDrained, writeBody, writeHead, writeInformation, writeTrailers, type ClientHead } from '../client-response.ts';
import type { ClientResponse } from '../exchange.ts';
import type { Headers, ResponseHead } from '../reading.ts';
import type { AnswerGuard } from './answer-guard.ts';
import type { KnownPiece, PieceReceiver } from './answer-piece.ts';

export interface ReleasedParts {
  readonly channel: Channel;
  readonly response: ClientResponse;
  /** The gateway's own headers. */
  readonly ownHeaders: Headers;
  readonly guard: AnswerGuard;
  /** The head that the client has already. Null: it has none. */
  readonly begun: ClientHead | null;
}

/** Writes each piece of an answer to the client once its record is committed. While much waits, for a commit or for the client, the call is paused. */
export class ReleasedAnswer implements PieceReceiver<KnownPiece> {
  readonly #parts: ReleasedParts;
  #call: UpstreamCall | null = null;
  #head: ClientHead | null = null;
  /** The last pieces that were recorded, and that were released. */
  #recorded: KnownPiece | null = null;
  #released: KnownPiece | null = null;
  #uncommittedBytes = 0;
  /** Bytes that wait in a stage before this one. */
  #earlierBytes = 0;

  constructor(parts: ReleasedParts) {
    this.#parts = parts;
    this.#head = parts.begun;
    onDrained(parts.response, this.#balance);
  }

  /** Sets the call to which the answer belongs. */
  attach(call: UpstreamCall): void {
    this.#call = call;
  }

  /** The head of the answer, if another event may be appended to what was released and recorded of it; otherwise null. */
  get openHead(): ResponseHead | null {
    if (this.#recorded === null) {
      return this.#head;
    }
    return this.#released?.isBetweenEvents === true && this.#recorded.isBetweenEvents ? this.#head : null;
  }

  /** Notes that so many bytes more, or fewer, wait in a stage before this one. */
  waitEarlier(bytes: number): void {
    this.#earlierBytes += bytes;
    this.#balance();
  }

  onInformation(head: ClientHead): void {
    this.#onceCommitted(() => {
      writeInformation(this.#parts.response, head);
    });
  }

  onPiece(piece: KnownPiece): void {
    this.#recorded = piece;
    this.#uncommittedBytes += piece.bytes.length;
    this.#onceCommitted(() => {
      this.#uncommittedBytes -= piece.bytes.length;
      this.#release(piece);
      this.#balance();
    });
    this.#balance();
  }

  #onceCommitted(release: () => void): void {
    this.#parts.channel.whenCommitted(() => {
      this.#parts.guard.run(release);
    });
  }

  #release(piece: KnownPiece): void {
    const { response, ownHeaders } = this.#parts;
    const { head, bytes, trailers } = piece;
    this.#released = piece;
    if (head !== null) {
      this.#head = head;
      response.sendDate = false;
      writeHead(response, { ...head, headers: [...head.headers, ...ownHeaders] });
    }
    if (trailers !== null) {
      if (trailers.length > 0) {
        writeTrailers(response, trailers);
      }
      endBody(response, bytes);
    } else if (bytes.length > 0) {
      writeBody(response, bytes);
    } else if (head !== null) {
      flushHead(response);
    }
  }

  /** Tells the call to pause, or to go on. It may be told the same again. */
  readonly #balance = (): void => {
    const { channel, response, guard } = this.#parts;
    const max = channel.limits.queuedBytesMax;
    if (guard.isStopped) {
      return;
    }
    if (this.#uncommittedBytes + this.#earlierBytes > max || response.writableLength > max) {
      this.#call?.pause();
    } else {
      this.#call?.resume();
    }
  };
}
