import assert from 'node:assert/strict';
import { GatewayError } from '../../domain/errors.ts';
import { FrameReader, joinPayloads, readHead, type FrameHead, type FramePiece } from './websocket-frames.ts';

/** Most frames of one message. A sender that splits a message at the end of its own buffer needs far fewer. */
const framesMax = 16 * 1024;

/** A message with all of its frames as they came, or a control frame. */
export interface WholePiece extends FramePiece {
  /** The payload of a message; null for a control frame. It is a function because undoing the masks of a long message takes time. */
  readonly payload: (() => Buffer) | null;
}

/** The frames of one whole message without masks, or a control frame. */
export function pieceOf(bytes: Buffer): WholePiece {
  const head = readHead(bytes);
  assert.ok(head !== null, 'These are whole frames.');
  return { head: { ...head, isFinal: true }, offset: 0, isLast: true, bytes: [bytes], payload: head.isControl ? null : () => joinPayloads(bytes) };
}

/** Splits one direction of a WebSocket connection into messages, and holds each until it is whole. Control frames come out at once, even in the middle of a message. */
export class MessageReader {
  /** Always false: this reader never gives out a part of a frame. */
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

  /** The next message or control frame; null until more bytes arrive. Throws GatewayError `malformed` for a violation of the protocol, `limit_exceeded` for a message that is too long. After an error nothing more may be read. */
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
    // If more is to come, the bytes are copied. A few bytes would otherwise keep everything in memory that arrived with them.
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
