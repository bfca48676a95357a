import { GatewayError } from '../../domain/errors.ts';
import { FrameReader, joinPayloads, type FrameHead, type FramePiece } from './websocket-frames.ts';

/** In so many frames a message may come. Whoever cuts a message at its own buffer's end needs far fewer. */
const framesMax = 16 * 1024;

/** A message with all of its frames as they came, or a control frame. */
export interface WholePiece extends FramePiece {
  /** Null for a control frame. To be asked for where it is read: to undo the masks of a long one takes time. */
  readonly payload: (() => Buffer) | null;
}

/** Cuts one direction of a WebSocket connection into messages, each held until it is whole. Control frames come out as they come, also out of the middle of one. */
export class MessageReader {
  /** Nobody is ever given a part of a frame. */
  readonly isInFrame = false;
  readonly #frames: FrameReader;
  readonly #bytesMax: number;
  #first: FrameHead | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #frameCount = 0;

  constructor(isMasked: boolean, bytesMax: number) {
    this.#frames = new FrameReader(isMasked);
    this.#bytesMax = bytesMax;
  }

  push(bytes: Buffer): void {
    this.#frames.push(bytes);
  }

  /** Null until more has arrived. Errors: `malformed` for a violation of the protocol, `limit_exceeded` for a message that is too long; nothing is read any more then. */
  next(): WholePiece | null {
    for (let piece = this.#frames.next(); piece !== null; piece = this.#frames.next()) {
      if (piece.head.isControl) {
        return { ...piece, payload: null };
      }
      this.#hold(piece);
      if (piece.isLast && piece.head.isFinal) {
        return this.#take(this.#first ?? piece.head);
      }
    }
    return null;
  }

  #hold(piece: FramePiece): void {
    const { head, offset, bytes } = piece;
    this.#first ??= head;
    if (offset === 0) {
      this.#frameCount += 1;
      this.#heldBytes += head.headBytes + head.payloadBytes;
      if (this.#heldBytes > this.#bytesMax || this.#frameCount > framesMax) {
        throw new GatewayError('limit_exceeded', `A message has more than ${this.#bytesMax} bytes, or comes in more than ${framesMax} frames.`);
      }
    }
    // A copy where more is to come: a few bytes do not keep all that arrived with them.
    this.#held.push(...(piece.isLast && head.isFinal ? bytes : [Buffer.concat(bytes)]));
  }

  #take(head: FrameHead): WholePiece {
    const bytes = this.#held.length === 1 && this.#held[0] !== undefined ? this.#held[0] : Buffer.concat(this.#held);
    this.#first = null;
    this.#held = [];
    this.#heldBytes = 0;
    this.#frameCount = 0;
    return { head: { ...head, isFinal: true }, offset: 0, isLast: true, bytes: [bytes], payload: () => joinPayloads(bytes) };
  }
}
