import { changeText, type TextChange } from '../../domain/text-change.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { textFrame, utf8Text, type FindParts } from '../../content/text-frame.ts';
import { composeClose, composeMessage, joinPayloads } from './websocket-frames.ts';
import { pieceOf, type MessageReader, type WholePiece } from './websocket-messages.ts';

const codeBytes = 2;

export interface ChangedMessagesParts {
  readonly messages: MessageReader;
  readonly changes: readonly TextChange[];
  /** Most bytes of messages that wait for the end of a text that comes in pieces. */
  readonly waitingBytesMax: number;
  /** Finds texts that come in several pieces. Null: the protocol has none. */
  readonly findParts: FindParts | null;
}

/** Reads the messages of a target and changes their texts: those of JSON, or all of a message as one text. A message whose texts stay the same comes out as it came. */
export class ChangedMessages {
  /** Always false: this reader never gives out a part of a frame. */
  readonly isInFrame = false;
  readonly #messages: MessageReader;
  readonly #findParts: FindParts | null;
  readonly #frames: ChangedFrames;
  readonly #ready: WholePiece[] = [];
  #changes: readonly TextChange[];

  constructor({ messages, changes, waitingBytesMax, findParts }: ChangedMessagesParts) {
    this.#messages = messages;
    this.#findParts = findParts;
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

  /** The next message or control frame; null until more bytes arrive. Throws as `MessageReader` does, and GatewayError `unsupported` for a message that is no text. */
  next(): WholePiece | null {
    while (this.#ready.length === 0) {
      const piece = this.#messages.next();
      if (piece === null) {
        return null;
      }
      this.#take(piece);
    }
    return this.#ready.shift() ?? null;
  }

  /** Ends all texts, because no message follows. The messages that waited come out next. */
  end(): void {
    this.#ready.push(...this.#frames.end().map(pieceOf));
  }

  #take(piece: WholePiece): void {
    if (piece.payload !== null) {
      this.#ready.push(...this.#changed(piece, piece.payload()).map(pieceOf));
      return;
    }
    if (piece.head.opcode === 'close') {
      this.end();
    }
    this.#ready.push(piece.head.opcode === 'close' ? this.#changedClose(piece) : piece);
  }

  #changed({ head, bytes }: WholePiece, payload: Buffer): readonly Buffer[] {
    const text = utf8Text(payload);
    const wrap = (changed: string): Buffer => (changed === text ? Buffer.concat(bytes) : composeMessage(changed, head.opcode));
    return this.#frames.push(textFrame(text, { bytes: payload.length, wrap, findParts: this.#findParts }));
  }

  /** A close frame has a code and perhaps a reason, which is a text. */
  #changedClose(piece: WholePiece): WholePiece {
    const payload = joinPayloads(Buffer.concat(piece.bytes));
    if (payload.length <= codeBytes) {
      return piece;
    }
    return pieceOf(composeClose(payload.readUInt16BE(0), changeText(this.#changes, payload.toString('utf8', codeBytes)), null));
  }
}
