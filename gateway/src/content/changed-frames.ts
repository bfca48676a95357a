import { GatewayError } from '../domain/errors.ts';
import { beginText, changeInSlices, changeText, sliced, sliceUnits, textUnits, type Slices, type TextChange, type TextStream } from '../domain/text-change.ts';
import type { TextFrame } from './text-frame.ts';

/** Most texts in pieces that are open at the same time. */
const openMax = 1_000;

/** A frame that waits, because a text in it or in a frame before it may still get more. */
interface Waiting {
  readonly frame: TextFrame;
  readonly texts: string[];
  /** Number of texts in the frame that may still get more. */
  open: number;
}

/** A text that comes in pieces, with the place of its newest piece. */
interface OpenText {
  readonly stream: TextStream;
  last: { readonly waiting: Waiting; readonly index: number } | null;
}

/**
 * Changes the texts of frames, in order. A text that comes in pieces is changed as if it was whole: what may be the beginning of a match is held back, and goes with the
 * next piece of the text, or at its end with the last. A frame waits while a piece in it may get such a rest.
 *
 *     text ── whole ─────────────────────────────▶ changed ──▶ frame goes on
 *       └──── a piece ── what later pieces alter is held ──▶ frame waits ── next piece, or end ──▶ frame goes on
 */
export class ChangedFrames {
  #changes: readonly TextChange[];
  readonly #heldMax: number;
  readonly #open = new Map<string, OpenText>();
  /** The names of texts that have ended and must not go on. Null: a later text may have the name of an ended one. */
  readonly #ended: Set<string> | null;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  /**
   * `heldMax` is the most characters of one text that are held, and the most bytes of frames that wait. `namesOnce`: a text that goes on after its end is
   * refused, because there are clients that join both parts.
   */
  constructor(changes: readonly TextChange[], heldMax: number, { namesOnce = false } = {}) {
    this.#changes = changes;
    this.#ended = namesOnce ? new Set() : null;
    this.#heldMax = heldMax;
  }

  /** Sets the changes for texts that begin from now on. */
  use(changes: readonly TextChange[]): void {
    this.#changes = changes;
  }

  /** Takes the next frame. Returns the frames that are released. Throws GatewayError `limit_exceeded` or `unsupported`. */
  push(frame: TextFrame): readonly Buffer[] {
    const waiting: Waiting = { frame, texts: [], open: 0 };
    for (const { text, partOf, sources } of frame.texts) {
      waiting.texts.push(partOf === null ? changeText(this.#changes, text, sources) : this.#piece(partOf, text, { waiting, sources }));
    }
    return this.#take(waiting);
  }

  /** Does the same for a frame that may be long, in slices. No other frame may be pushed before the last of them is done. */
  *pushInSlices(frame: TextFrame): Slices<readonly Buffer[]> {
    if (frame.bytes <= sliceUnits) {
      return this.push(frame);
    }
    const waiting: Waiting = { frame, texts: [], open: 0 };
    const changes = this.#changes;
    let units = 0;
    for (const { text, partOf, sources } of frame.texts) {
      units += text.length + textUnits;
      if (units > sliceUnits) {
        units = 0;
        yield;
      }
      const piece = (part: string): string => (partOf === null ? '' : this.#piece(partOf, part, { waiting, sources }));
      waiting.texts.push(
        partOf === null ? yield* changeInSlices(changes, text, sources) : text.length <= sliceUnits ? piece(text) : yield* sliced({ push: piece }, text),
      );
    }
    return this.#take(waiting);
  }

  #take(waiting: Waiting): readonly Buffer[] {
    const { frame } = waiting;
    if (frame.ends !== null) {
      this.#endTexts(frame.ends);
    }
    this.#waiting.push(waiting);
    this.#waitingBytes += frame.bytes;
    const released = this.#release();
    if (this.#waitingBytes > this.#heldMax) {
      throw new GatewayError(
        'limit_exceeded',
        `Policy changes texts in answers of this target, and more than ${this.#heldMax} bytes wait for the end of one of them.`,
      );
    }
    return released;
  }

  /** Ends all texts. Returns the frames that waited. */
  end(): readonly Buffer[] {
    this.#endTexts(() => true);
    return this.#release();
  }

  #piece(name: string, text: string, { waiting, sources }: { readonly waiting: Waiting; readonly sources: readonly string[] | undefined }): string {
    let open = this.#open.get(name);
    if (open === undefined) {
      if (text !== '' && this.#ended?.has(name) === true) {
        throw new GatewayError('unsupported', 'Policy changes texts in answers of this target, and one that comes in pieces goes on after its end.');
      }
      if (this.#open.size + (this.#ended?.size ?? 0) >= openMax) {
        throw new GatewayError('limit_exceeded', `Policy changes texts in answers of this target, and more than ${openMax} of one answer come in pieces.`);
      }
      open = { stream: beginText(this.#changes, this.#heldMax, sources), last: null };
      this.#open.set(name, open);
    }
    const changed = open.stream.push(text);
    if (open.last !== null) {
      open.last.waiting.open -= 1;
    }
    const isHolding = open.stream.isHolding();
    open.last = isHolding ? { waiting, index: waiting.texts.length } : null;
    waiting.open += isHolding ? 1 : 0;
    return changed;
  }

  #endTexts(isOver: (name: string) => boolean): void {
    for (const [name, { stream, last }] of this.#open) {
      if (isOver(name)) {
        this.#open.delete(name);
        this.#ended?.add(name);
        if (last !== null) {
          last.waiting.texts[last.index] += stream.end();
          last.waiting.open -= 1;
        }
      }
    }
  }

  #release(): readonly Buffer[] {
    const first = this.#waiting.findIndex(({ open }) => open > 0);
    const released = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    return released.map(({ frame, texts }) => {
      this.#waitingBytes -= frame.bytes;
      return frame.compose(texts);
    });
  }
}
