import { randomBytes } from 'node:crypto';
import type { Action, Attributes } from '../../domain/action.ts';
import type { Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Output, Relay, ResponseOutput } from '../relay.ts';
import { composeClose, FrameReader, type FramePiece } from './websocket-frames.ts';

/** Why a connection is closed (RFC 6455, 7.4.1). */
const goingAway = 1001;
const protocolError = 1002;
const policyViolation = 1008;
/** A reason is at most so long: it travels in a control frame. */
const reasonBytesMax = 123;

export interface WebSocketFacts {
  /** What was decided on when the connection was upgraded: each frame of the client is a part of it. */
  readonly action: Action;
  /** Sequence number of its record. */
  readonly request: number;
}

/** Frames between client and target, each recorded with its direction before it moves on. */
export class WebSocketRelay implements Relay {
  readonly isFull = false;
  readonly #facts: WebSocketFacts;
  readonly #fromClient = new FrameReader(true);
  readonly #fromTarget = new FrameReader(false);
  /** Said before anything else; nothing is read any more. */
  #last: Output[] | null = null;
  #isDeciding = false;

  constructor(facts: WebSocketFacts) {
    this.#facts = facts;
  }

  clientBytes(bytes: Buffer): void {
    this.#fromClient.push(bytes);
  }

  upstreamBytes(bytes: Buffer): void {
    this.#fromTarget.push(bytes);
  }

  decided({ verdict, reason }: Decision): void {
    this.#isDeciding = false;
    if (verdict !== 'allow' && this.#last === null) {
      this.#close({ client: policyViolation, target: goingAway }, new GatewayError('refused', reason));
    }
  }

  clientEnded(): void {
    this.#last ??= [{ type: 'close', reason: 'client' }];
  }

  upstreamEnded(): void {
    this.#last ??= [{ type: 'close', reason: 'target' }];
  }

  fail(error: GatewayError): void {
    this.#isDeciding = false;
    this.#close({ client: error.code === 'stopping' ? goingAway : policyViolation, target: goingAway }, error);
  }

  next(): Output | null {
    try {
      return this.#last === null ? (this.#fromTargetNext() ?? this.#fromClientNext()) : this.#sayLast();
    } catch (error) {
      if (error instanceof GatewayError) {
        this.#close({ client: protocolError, target: protocolError }, error);
        return this.#sayLast();
      }
      throw error;
    }
  }

  #sayLast(): Output | null {
    return this.#last?.shift() ?? null;
  }

  #fromTargetNext(): ResponseOutput | null {
    const piece = this.#fromTarget.next();
    if (piece === null) {
      return null;
    }
    return { type: 'response', meta: { request: this.#facts.request, attributes: attributesOf(piece) }, bytes: piece.bytes, continues: !piece.isLast };
  }

  #fromClientNext(): Output | null {
    const piece = this.#isDeciding ? null : this.#fromClient.next();
    if (piece === null) {
      return null;
    }
    this.#isDeciding = true;
    const { name, attributes } = this.#facts.action;
    return {
      type: 'request',
      action: { name, attributes: { ...attributes, ...attributesOf(piece) } },
      bytes: piece.bytes,
      relation: { partOf: this.#facts.request, continues: !piece.isLast },
    };
  }

  /** Tells both sides why there is an end, but for one that is in the middle of a frame. */
  #close(codes: { readonly client: number; readonly target: number }, error: GatewayError): void {
    const { action, request } = this.#facts;
    const reason = Buffer.from(error.message).subarray(0, reasonBytesMax).toString().replace(/�+$/, '');
    const attributes: Attributes = { 'countersign.websocket.opcode': 'close', 'error.type': error.code };
    this.#last = [{ type: 'close', reason: error.code, error }];
    if (!this.#fromClient.isInFrame) {
      const bytes = [composeClose(codes.target, '', randomBytes(4))];
      this.#last.unshift({ type: 'request', action: { ...action, attributes }, bytes, relation: { partOf: request }, byGateway: true });
    }
    if (!this.#fromTarget.isInFrame) {
      this.#last.unshift({ type: 'response', meta: { request, attributes }, bytes: [composeClose(codes.client, reason, null)], continues: false });
    }
  }
}

/** A part of a long frame can be read by itself: where it lies in the payload, and under which mask. */
function attributesOf({ head, offset }: FramePiece): Attributes {
  return {
    'countersign.websocket.opcode': head.opcode,
    'countersign.websocket.final': head.isFinal,
    ...(offset === 0 ? {} : { 'countersign.websocket.offset': offset, 'countersign.websocket.mask': head.mask.toString('hex') }),
  };
}
