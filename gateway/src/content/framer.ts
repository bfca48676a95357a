import { ByteWriter } from '../wire/byte-writer.ts';
import type { Frame, Splitter } from './frame.ts';

const lineFeed = 0x0a;

/**
 * Cuts one body into frames: a splitter finds where they end, and the framer holds the beginning of a frame until its end comes. A frame within one piece is a
 * view of it. Any bytes are acceptable, in any pieces.
 *
 *     between ── bytes without an end ──▶ held ── the end ──▶ between
 *                                          └── more than the limit ──▶ passing ── the end ──▶ between
 */
export class Framer {
  readonly #splitter: Splitter;
  readonly #frameBytesMax: number;
  #phase: 'between' | 'held' | 'passing' = 'between';
  #held = new ByteWriter();

  /** A frame with more bytes than `frameBytesMax` is not held. It becomes a `long` frame, and `rest` frames up to its end. */
  constructor(splitter: Splitter, frameBytesMax: number) {
    this.#splitter = splitter;
    this.#frameBytesMax = frameBytesMax;
  }

  get isStream(): boolean {
    return this.#splitter.isStream;
  }

  /** True if the body is a stream and the bytes so far end with the end of a frame, so that another frame may follow. */
  get isBetweenFrames(): boolean {
    return this.#splitter.isStream && this.#phase === 'between' && this.#splitter.isBetween !== false;
  }

  /** Takes the next bytes of the body and returns the frames that end in them. */
  push(bytes: Buffer): readonly Frame[] {
    const frames: Frame[] = [];
    let from = 0;
    for (const end of this.#splitter.ends(bytes)) {
      frames.push(this.#end(bytes.subarray(from, end)));
      from = end;
    }
    if (from < bytes.length) {
      const begun = this.#begin(bytes.subarray(from));
      if (begun !== null) {
        frames.push(begun);
      }
    }
    return frames;
  }

  /** Ends the body. Returns the frame that had no end of its own. */
  end(): readonly Frame[] {
    const isHeld = this.#phase === 'held';
    this.#phase = 'between';
    return isHeld ? [this.#splitter.last(this.#release())] : [];
  }

  #end(last: Buffer): Frame {
    const phase = this.#phase;
    this.#phase = 'between';
    if (phase === 'passing') {
      return { is: 'rest', bytes: last };
    }
    const bytes = phase === 'held' ? this.#releaseWith(last) : last;
    const frame = this.#splitter.frame(bytes);
    const isLimited = frame.is !== 'other' || this.#splitter.holdsOther !== false;
    return bytes.length > this.#frameBytesMax && isLimited ? { is: 'long', bytes } : frame;
  }

  #begin(bytes: Buffer): Frame | null {
    if (this.#phase === 'passing') {
      return { is: 'rest', bytes };
    }
    const isLong = this.#held.length + bytes.length > this.#frameBytesMax;
    this.#phase = isLong ? 'passing' : 'held';
    if (isLong) {
      return { is: 'long', bytes: this.#releaseWith(bytes) };
    }
    this.#held.bytes(bytes);
    return null;
  }

  #releaseWith(last: Buffer): Buffer {
    this.#held.bytes(last);
    return this.#release();
  }

  #release(): Buffer {
    const bytes = this.#held.finish();
    this.#held = new ByteWriter();
    return bytes;
  }
}

/** The whole body is one frame. */
export function wholeBody(): Splitter {
  const whole = (bytes: Buffer): Frame => ({ is: 'whole', bytes });
  return { isStream: false, ends: () => [], frame: whole, last: whole };
}

/** Each line of the body is a frame, with its line feed. */
export function lines(): Splitter {
  const document = (bytes: Buffer): Frame => ({ is: 'document', bytes });
  return {
    isStream: true,
    ends: (bytes) => {
      const ends: number[] = [];
      for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
        ends.push(at + 1);
      }
      return ends;
    },
    frame: document,
    last: document,
  };
}
