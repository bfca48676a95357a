import { randomBytes } from 'node:crypto';
import { changeAllInSlices, changeText, type Slices, type TextChange } from '../../domain/text-change.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { textFrame, utf8Text, type FindParts, type TextFrame } from '../../content/text-frame.ts';
import type { MessageText, MessageTexts } from '../reading.ts';
import { pause, type Pause } from '../../wire/relay.ts';
import { composeClose, composeMessage, joinPayloads } from './websocket-frames.ts';
import { pieceOf, type MessageReader, type WholePiece } from './websocket-messages.ts';

const codeBytes = 2;
const maskBytes = 4;

export interface ChangedMessagesParts {
  readonly messages: MessageReader;
  readonly changes: readonly TextChange[];
  /** Most bytes of messages that wait for the end of a text that comes in pieces. */
  readonly waitingBytesMax: number;
  /** Finds texts that come in several pieces. Null: the protocol has none. */
  readonly findParts: FindParts | null;
  /** Finds the texts of messages that are more than a text. Null: there are none. */
  readonly messageTexts: MessageTexts | null;
}

/** Reads the messages of a target and changes their texts: those of JSON, or all of a message as one text. A message whose texts stay the same comes out as it came. */
export class ChangedMessages {
  /** Always false: this reader never gives out a part of a frame. */
  readonly isInFrame = false;
  readonly #messages: MessageReader;
  readonly #findParts: FindParts | null;
  readonly #messageTexts: MessageTexts | null;
  readonly #frames: ChangedFrames;
  readonly #ready: WholePiece[] = [];
  /** Changes the message that was read last. Null: it is changed. */
  #work: Slices<readonly WholePiece[]> | null = null;
  #changes: readonly TextChange[];

  constructor({ messages, changes, waitingBytesMax, findParts, messageTexts }: ChangedMessagesParts) {
    this.#messages = messages;
    this.#findParts = findParts;
    this.#messageTexts = messageTexts;
    this.#changes = changes;
    this.#frames = new ChangedFrames(changes, waitingBytesMax);
  }

  push(bytes: Buffer): void {
    this.#messages.push(bytes);
  }

  /** Sets the changes for texts that begin from now on. */
  use(changes: readonly TextChange[]): void {
    this.#changes = changes;
    this.#frames.use(changes);
  }

  /** The next message or control frame; null until more bytes arrive. Pauses while a long message is changed. Throws as `MessageReader` does, and GatewayError `unsupported` for a message that is no text. */
  next(): WholePiece | Pause | null {
    for (;;) {
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        return ready;
      }
      const work = this.#work ?? this.#begin();
      if (work === null) {
        return null;
      }
      const step = work.next();
      this.#work = step.done === true ? null : work;
      if (step.done !== true) {
        return pause;
      }
      this.#ready.push(...step.value);
    }
  }

  /** Ends all texts, because no message follows. The messages that waited come out next. */
  end(): void {
    this.#ready.push(...this.#frames.end().map(pieceOf));
  }

  #begin(): Slices<readonly WholePiece[]> | null {
    const piece = this.#messages.next();
    return piece === null ? null : this.#changed(piece);
  }

  *#changed(piece: WholePiece): Slices<readonly WholePiece[]> {
    if (piece.payload !== null) {
      const payload = piece.payload();
      const found = this.#messageTexts?.read(payload) ?? null;
      const frame = found === null ? messageFrame(piece, payload, { mask: null, findParts: this.#findParts }) : foundFrame(piece, found);
      const frames = yield* this.#frames.pushInSlices(frame);
      return frames.map(pieceOf);
    }
    if (piece.head.opcode === 'close') {
      this.end();
    }
    return [...this.#ready.splice(0), changedControl(piece, this.#changes, null)];
  }
}

/**
 * Changes the texts of a message of a client, each as a whole, and the reason for a close. A message that is changed comes in one frame with another mask; one whose texts stay the
 * same comes as the client sent it. Throws GatewayError `unsupported` for a message that is no text, and for a ping or a pong with a text that would be changed.
 */
export function* changeForTarget(piece: WholePiece, changes: readonly TextChange[]): Slices<WholePiece> {
  const mask = randomBytes(maskBytes);
  if (piece.payload === null) {
    return changedControl(piece, changes, mask);
  }
  const frame = messageFrame(piece, piece.payload(), { mask, findParts: null });
  return pieceOf(frame.compose(yield* changeAllInSlices(changes, frame.texts)));
}

/** Makes a frame of a message: JSON with its texts, or one text. */
function messageFrame(
  { head, bytes }: WholePiece,
  payload: Buffer,
  { mask, findParts }: { readonly mask: Uint8Array | null; readonly findParts: FindParts | null },
): TextFrame {
  const text = utf8Text(payload);
  const wrap = (changed: string): Buffer => (changed === text ? Buffer.concat(bytes) : composeMessage(changed, head.opcode, mask));
  return textFrame(text, { bytes: payload.length, wrap, findParts });
}

/** Makes a frame of a message in which a text was found. */
function foundFrame({ head, bytes }: WholePiece, { before, text, partOf, isExact }: MessageText): TextFrame {
  return {
    bytes: before.length + text.length,
    texts: [{ text, partOf }],
    ends: null,
    compose: ([changed = '']) => (isExact && changed === text ? Buffer.concat(bytes) : composeMessage(before + changed, head.opcode, null)),
  };
}

/** Changes the reason for a close, which follows its code. The other side answers a ping with the same bytes, so another control frame that would be changed is refused. */
function changedControl(piece: WholePiece, changes: readonly TextChange[], mask: Uint8Array | null): WholePiece {
  const payload = joinPayloads(Buffer.concat(piece.bytes));
  const isClose = piece.head.opcode === 'close';
  const reason = payload.toString('utf8', isClose ? codeBytes : 0);
  const changed = changeText(changes, reason);
  if (!isClose && changed !== reason) {
    throw new GatewayError('unsupported', 'Policy changes texts, and a ping or a pong has one.');
  }
  return payload.length <= codeBytes || changed === reason ? piece : pieceOf(composeClose(payload.readUInt16BE(0), changed, mask));
}
