import { randomBytes } from 'node:crypto';
import type { Action, Attributes } from '../../domain/action.ts';
import { refusalOf, type Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { splitParts } from '../../wire/split-parts.ts';
import { problemOf } from '../problem.ts';
import type { RequestChange } from '../../domain/channel.ts';
import type { Slices, TextChange } from '../../domain/text-change.ts';
import { noEffects } from '../../domain/effects.ts';
import { pause, type Output, type Pause, type Relay, type RequestOutput, type ResponseOutput } from '../../wire/relay.ts';
import { inTurns } from '../../content/in-turns.ts';
import type { MessageTexts, SocketReader } from '../reading.ts';
import { shortBytes, type TakeStep } from '../step.ts';
import { composeClose, composeText, FrameReader, joinPayloads, payloadIn, type FramePiece } from './websocket-frames.ts';
import { LookedMessages } from './looked-messages.ts';
import { ChangedMessages, changeForTarget, type ChangedMessagesParts } from './changed-messages.ts';
import { MessageReader, type WholePiece } from './websocket-messages.ts';

/** Status codes that say why a connection is closed (RFC 6455, 7.4.1). */
const goingAway = 1001;
const protocolError = 1002;
const policyViolation = 1008;
const tooBig = 1009;
/** Tells one side that a message of the other side was too big. */
const internalError = 1011;
/** A message of the target that is longer than this is recorded and released in parts. */
const partBytes = 512 * 1024;
export interface WebSocketFacts {
  /** The action that was decided on when the connection was upgraded. Each frame of the client is a part of it. */
  readonly action: Action;
  /** Sequence number of the record of that action. */
  readonly request: number;
  /** Reads the messages. Null: frames are decided on and recorded as they come, without being read. */
  readonly reader: SocketReader | null;
  /** See `Upgrading`. */
  readonly messageTexts?: () => MessageTexts;
  /** The changes that the texts of the target's messages go through, by the decision on the action. */
  readonly changes: readonly TextChange[];
  /** True if that decision changes texts of the client, whose messages are then held until they are whole. */
  readonly changesRequests: boolean;
  /** The bytes by which the opening of the connection is known again: a message means something only together with it. */
  readonly opening: Uint8Array;
  readonly session: string;
  /** Most bytes of a message that is held until it is whole: it is read, or its texts are changed. */
  readonly messageBytesMax: number;
  /** Takes the steps that read long messages. */
  readonly take: TakeStep;
}

interface CloseCodes {
  readonly client: number;
  readonly target: number;
}

type Message = WholePiece & { readonly payload: () => Buffer };

/** Splits one direction into frames or messages. Each is recorded and moves as a unit. */
type Cutter = FrameReader | MessageReader;

/** Relays frames between client and target, or whole messages if there is a reader. Each is recorded with its direction before it is sent on. */
export class WebSocketRelay implements Relay {
  readonly isFull = false;
  readonly #facts: WebSocketFacts;
  readonly #fromClient: Cutter;
  #fromTarget: Cutter | ChangedMessages;
  /** Null: nobody looks at the target's messages. */
  #looked: LookedMessages | null = null;
  /** The gateway's own answers to refused messages. */
  readonly #own: Output[] = [];
  /** The parts of a long message of the target, after the first part. */
  readonly #parts: Output[] = [];
  /** The last outputs. Once they are set, nothing else is sent and nothing more is read. */
  #last: Output[] | null = null;
  /** Whether the end of the target has come, and whether its messages were told. Null: it has not come. */
  #targetEnd: 'came' | 'told' | null = null;
  #isDeciding = false;
  /** True if the message that is being decided on was read by the reader. */
  #isMessage = false;
  /** The payload of the target's last ping that the client has not answered. Null: there is none. */
  #pinged: Buffer | null = null;
  /** The reader's own reason to refuse that message. */
  #refusal: GatewayError | null = null;

  constructor(facts: WebSocketFacts) {
    this.#facts = facts;
    const { reader, messageBytesMax, changes, changesRequests } = facts;
    this.#fromClient = reader === null && !changesRequests ? new FrameReader(true) : new MessageReader(true, messageBytesMax);
    this.#fromTarget = reader === null && changes.every(({ look }) => look !== undefined) ? new FrameReader(false) : new MessageReader(false, messageBytesMax);
    this.#change(changes);
  }

  clientBytes(bytes: Buffer): void {
    this.#fromClient.push(bytes);
  }

  upstreamBytes(bytes: Buffer): void {
    this.#looked?.push(bytes);
    this.#fromTarget.push(bytes);
  }

  decided(decision: Decision, seq: number, changes: readonly TextChange[] = []): void {
    this.#isDeciding = false;
    if (this.#last !== null) {
      return;
    }
    if (decision.verdict === 'allow') {
      if (this.#isMessage) {
        this.#facts.reader?.passed();
      }
      this.#change(changes);
      return;
    }
    const error = this.#refusal ?? refusalOf(decision);
    const words = this.#isMessage ? this.#inWords(error, seq) : null;
    if (words === null) {
      this.#close({ client: policyViolation, target: goingAway }, error);
    } else {
      this.#own.push(words);
    }
  }

  clientEnded(): void {
    this.#looked?.end();
    this.#last ??= [...this.#left(), { type: 'close', reason: 'client' }];
  }

  /** Messages of the target that wait are still released. */
  upstreamEnded(): void {
    this.#targetEnd ??= 'came';
  }

  fail(error: GatewayError): void {
    this.#isDeciding = false;
    this.#close({ client: error.code === 'stopping' ? goingAway : policyViolation, target: goingAway }, error);
  }

  next(): Output | Pause | null {
    // A message whose first part was sent is sent to its end.
    const part = this.#parts.shift();
    if (part !== undefined) {
      return part;
    }
    const output = this.#nextOf(this.#fromTargetNext, 'target');
    return output !== null && output.type !== 'pause' ? output : (this.#nextOf(this.#fromClientNext, 'client') ?? output);
  }

  /** The target's messages go through these changes from now on. If there are none, they go through those that a message of the client had last. */
  #change(all: readonly TextChange[]): void {
    this.#lookWith(all.filter(({ look }) => look !== undefined));
    const changes = all.filter(({ look }) => look === undefined);
    const messages = this.#fromTarget;
    if (changes.length === 0) {
      return;
    }
    if (messages instanceof ChangedMessages) {
      messages.use(changes);
    } else if (messages instanceof MessageReader) {
      this.#fromTarget = new ChangedMessages({ messages, changes, ...this.#textParts() });
    } else {
      const reason = 'Policy changes texts in answers of this target now, and this connection was opened before. Open another one.';
      this.#close({ client: policyViolation, target: goingAway }, new GatewayError('unsupported', reason));
    }
  }

  #textParts(): Omit<ChangedMessagesParts, 'messages' | 'changes'> {
    const { reader, messageBytesMax, messageTexts } = this.#facts;
    return { waitingBytesMax: messageBytesMax, findParts: reader?.findParts ?? null, messageTexts: messageTexts?.() ?? null };
  }

  #lookWith(looks: readonly TextChange[]): void {
    if (looks.length === 0) {
      return;
    }
    this.#looked ??= new LookedMessages(this.#textParts());
    this.#looked.use(looks);
  }

  /** Reads the next output of one direction. `from` names the side whose bytes are read: an error closes the connection and blames that side. */
  #nextOf(read: () => Output | Pause | null, from: 'client' | 'target'): Output | Pause | null {
    if (this.#last !== null) {
      return this.#sayLast();
    }
    try {
      return read();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.#close(closeCodes(error, from), error);
      return this.#sayLast();
    }
  }

  #sayLast(): Output | null {
    return this.#last?.shift() ?? null;
  }

  readonly #fromTargetNext = (): Output | Pause | null => {
    const own = this.#own.shift();
    if (own !== undefined) {
      return own;
    }
    const piece = this.#looked?.isBusy() === true ? pause : this.#fromTarget.next();
    if (piece === null) {
      return this.#targetEnd === null ? null : this.#endOfTarget();
    }
    if (!('bytes' in piece)) {
      return piece;
    }
    if (piece.head.opcode === 'ping') {
      this.#pinged = joinPayloads(Buffer.concat(piece.bytes));
    }
    const { attributes = {}, given } = this.#facts.reader === null || !isMessage(piece) ? {} : this.#facts.reader.hear(piece.payload());
    const { request } = this.#facts;
    const [first = [], ...others] = splitParts(piece.bytes, partBytes);
    const parts = others.map((bytes, i): ResponseOutput => ({ type: 'response', meta: { request }, bytes, continues: !piece.isLast || i < others.length - 1 }));
    this.#parts.push(...parts);
    return {
      type: 'response',
      meta: { request, attributes: { ...attributesOf(piece), ...attributes } },
      bytes: first,
      continues: !piece.isLast || parts.length > 0,
      ...(given === undefined ? {} : { given }),
    };
  };

  /** Ends the texts of the target's messages, and then the connection. */
  #endOfTarget(): Output | Pause | null {
    if (this.#targetEnd === 'came') {
      this.#targetEnd = 'told';
      this.#looked?.end();
      if (this.#fromTarget instanceof ChangedMessages) {
        this.#fromTarget.end();
      }
      return this.#fromTargetNext();
    }
    this.#last ??= [...this.#left(), { type: 'close', reason: 'target' }];
    return this.#sayLast();
  }

  readonly #fromClientNext = (): Output | null => {
    const piece = this.#isDeciding ? null : this.#fromClient.next();
    if (piece === null) {
      return null;
    }
    this.#isDeciding = true;
    this.#isMessage = isMessage(piece);
    this.#refusal = null;
    const { action, reader } = this.#facts;
    if (reader !== null && isMessage(piece)) {
      return this.#ask(piece, reader);
    }
    const attributes = this.#isUpkeep(piece) ? { ...action.attributes, [ownAttributes.effects]: noEffects } : action.attributes;
    return this.#requestOf(piece, { name: action.name, attributes });
  };

  /** True for the end of the connection, and for the answer to the target's own ping. Neither asks the target for anything. */
  #isUpkeep({ head, bytes }: FramePiece): boolean {
    const pinged = this.#pinged;
    if (head.opcode !== 'pong' || pinged === null || !joinPayloads(Buffer.concat(bytes)).equals(pinged)) {
      return head.opcode === 'close';
    }
    this.#pinged = null;
    return true;
  }

  /** `change`: what the message has gone through. Null: it is as the client sent it. */
  #ask(piece: Message, reader: SocketReader, change: RequestChange | null = null): RequestOutput {
    const [frames = Buffer.alloc(0)] = piece.bytes;
    if (frames.length > shortBytes) {
      const asked = reader.askLong(frames, this.#facts.take);
      const reading = asked.then((action) => this.#requestOf(piece, action, change)).catch((error: unknown) => this.#refused(piece, error));
      return { ...this.#requestOf({ ...piece, bytes: [] }, this.#facts.action), reading };
    }
    try {
      return this.#requestOf(piece, reader.ask(piece.payload()), change);
    } catch (error) {
      return this.#refused(piece, error);
    }
  }

  #refused(piece: FramePiece, error: unknown): RequestOutput {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    this.#refusal = error;
    const { name, attributes } = this.#facts.action;
    return { ...this.#requestOf(piece, { name, attributes: { ...attributes, 'error.type': error.code } }), refused: error.message };
  }

  #requestOf(piece: FramePiece | WholePiece, action: Action, change: RequestChange | null = null): RequestOutput {
    return {
      type: 'request',
      action: {
        ...action,
        attributes: { ...action.attributes, ...attributesOf(piece) },
        readable: () => payloadOf(piece),
        ...('payload' in piece ? { look: (look: TextChange) => isLookedAt(piece, look) } : {}),
        known: () => [this.#facts.opening, ...knownOf(piece)],
      },
      bytes: piece.bytes,
      relation: { partOf: this.#facts.request, isMessage: isEndOfMessage(piece), continues: !piece.isLast, change },
      // Frames that come as they are may each be a part of a text.
      ...('payload' in piece && change === null ? { change: (wanted) => this.#changed(piece, action, wanted) } : {}),
    };
  }

  /** Changes the texts of a message, and reads it again. If they cannot be changed, the message is refused. */
  #changed(piece: WholePiece, action: Action, change: RequestChange): RequestOutput {
    const { reader } = this.#facts;
    const read = (changed: WholePiece): RequestOutput =>
      reader !== null && isMessage(changed) ? this.#ask(changed, reader, change) : this.#requestOf(changed, action, change);
    try {
      const work = changeForTarget(piece, change.texts);
      const step = work.next();
      return step.done === true
        ? read(step.value)
        : {
            ...this.#requestOf({ ...piece, bytes: [] }, action, change),
            reading: inTurns(work)
              .then(read)
              .catch((error: unknown) => this.#refused(piece, error)),
          };
    } catch (error) {
      return this.#refused(piece, error);
    }
  }

  /** Returns the record of answers that have begun and are cut off, if there are any. It has no bytes. */
  #left(): ResponseOutput[] {
    const attributes = this.#facts.reader?.left() ?? {};
    return Object.keys(attributes).length === 0 ? [] : [{ type: 'response', meta: { request: this.#facts.request, attributes }, bytes: [], continues: false }];
  }

  /** Returns an error of the gateway as a message to the client. Null if the protocol has no form for errors. */
  #inWords(error: GatewayError, request: number): ResponseOutput | null {
    const text = this.#facts.reader?.refusal(problemOf(error, this.#facts.session)) ?? null;
    const attributes: Attributes = { [ownAttributes.websocketOpcode]: 'text', [ownAttributes.websocketFinal]: true, 'error.type': error.code };
    return text === null ? null : { type: 'response', meta: { request, attributes }, bytes: [composeText(text)], continues: false };
  }

  /** Ends the connection and tells each side why, unless that side is in the middle of a frame. */
  #close(codes: CloseCodes, error: GatewayError): void {
    const { action, request } = this.#facts;
    const attributes: Attributes = { [ownAttributes.websocketOpcode]: 'close', 'error.type': error.code };
    this.#last = [...this.#left(), { type: 'close', reason: error.code, error }];
    if (!this.#fromClient.isInFrame) {
      const bytes = [composeClose(codes.target, '', randomBytes(4))];
      this.#last.unshift({ type: 'request', action: { name: action.name, attributes }, bytes, relation: { partOf: request }, byGateway: true });
    }
    if (!this.#fromTarget.isInFrame) {
      const words = this.#inWords(error, request);
      this.#last.unshift(...(words === null ? [] : [words]), {
        type: 'response',
        meta: { request, attributes },
        bytes: [composeClose(codes.client, error.message, null)],
        continues: false,
      });
    }
  }
}

/** Returns the status codes with which both sides are closed because of an error of one side. */
function closeCodes({ code }: GatewayError, from: 'client' | 'target'): CloseCodes {
  switch (code) {
    case 'limit_exceeded':
      return { client: internalError, target: goingAway, [from]: tooBig };
    case 'unsupported':
      return { client: policyViolation, target: goingAway };
    default:
      return { client: protocolError, target: protocolError };
  }
}

/** Returns the payload of a piece, without its mask. */
function payloadOf(piece: FramePiece | WholePiece): Buffer {
  return isMessage(piece) ? piece.payload() : payloadIn(piece);
}

/** True for a whole message, which only a `MessageReader` gives; false for a control frame or a plain frame. */
function isMessage(piece: FramePiece | WholePiece): piece is Message {
  return 'payload' in piece && piece.payload !== null;
}

/** True for the first piece of the frame that ends a message, so that each message counts once. */
function isEndOfMessage({ head, offset }: FramePiece): boolean {
  return head.isFinal && !head.isControl && offset === 0;
}

/** The bytes by which a piece is known when it is sent again: a client masks each frame anew. */
function knownOf({ head: { opcode, isFinal }, offset, isLast, bytes }: FramePiece): readonly Buffer[] {
  return offset === 0 && isLast ? [Buffer.from(`${opcode} ${isFinal} `), joinPayloads(Buffer.concat(bytes))] : bytes;
}

/** The facts about a piece. A later part of a long frame also has its offset in the payload and its mask, so that it can be read by itself. */
function attributesOf({ head, offset }: FramePiece): Attributes {
  return {
    [ownAttributes.websocketOpcode]: head.opcode,
    [ownAttributes.websocketFinal]: head.isFinal,
    ...(offset === 0 ? {} : { [ownAttributes.websocketOffset]: offset, [ownAttributes.websocketMask]: head.mask.toString('hex') }),
  };
}

/** Gives each text of a message to a look. Returns false if they cannot be found. */
function* isLookedAt(piece: WholePiece, look: TextChange): Slices<boolean> {
  try {
    yield* changeForTarget(piece, [look]);
    return true;
  } catch (error) {
    if (error instanceof GatewayError) {
      return false;
    }
    throw error;
  }
}
