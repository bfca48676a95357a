import type { Frame, Splitter } from './frame.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const lineFeed = 0x0a;

interface DocumentsOptions {
  /** True if the body is a stream of lines. */
  readonly isStream?: boolean;
  /** A body whose first object is longer is one frame from there to its end, unless it is a list. By default there is no such limit. */
  readonly scannedBytesMax?: number;
}

/**
 * Finds the JSON objects of a body: a single object, the elements of one list, or objects one after another. Time is linear. Bytes between objects are frames
 * of their own.
 */
export class JsonDocuments implements Splitter {
  readonly isStream: boolean;
  readonly holdsOther = false;
  readonly #scannedBytesMax: number;
  /** `list`: an opening bracket came before the first object. `whole`: the body is one frame from the first object on, and nothing more is searched. */
  #form: 'first' | 'list' | 'later' | 'whole' = 'first';
  #depth = 0;
  /** Number of bytes of the object that has begun. */
  #documentBytes = 0;
  #isInString = false;
  #isEscaped = false;
  #isLineEnded = true;

  constructor({ isStream = false, scannedBytesMax = Infinity }: DocumentsOptions = {}) {
    this.isStream = isStream;
    this.#scannedBytesMax = scannedBytesMax;
  }

  get isBetween(): boolean {
    return this.#isLineEnded;
  }

  ends(bytes: Buffer): readonly number[] {
    const ends: number[] = [];
    this.#isLineEnded = bytes.length === 0 ? this.#isLineEnded : bytes.at(-1) === lineFeed;
    // The bytes are searched in parts that end where the first object would be too long, so that how a body is cut decides nothing.
    for (let at = 0; at < bytes.length && this.#form !== 'whole';) {
      const part = bytes.subarray(at, this.#form === 'first' ? at + this.#scannedBytesMax - this.#documentBytes : bytes.length);
      this.#search(part, at, ends);
      at += part.length;
      if (this.#form === 'first' && this.#documentBytes >= this.#scannedBytesMax) {
        this.#form = 'whole';
      }
    }
    return ends;
  }

  frame(bytes: Buffer): Frame {
    return { is: bytes[0] === openBrace ? 'document' : 'other', bytes };
  }

  last(bytes: Buffer): Frame {
    return { is: this.#form === 'whole' ? 'whole' : 'damaged', bytes };
  }

  /** Adds the ends of the frames in these bytes, which begin at a position of the piece. */
  #search(bytes: Buffer, offset: number, ends: number[]): void {
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#isInString) {
        at = this.#stringEnd(bytes, at);
        continue;
      }
      const byte = bytes[at];
      if (this.#depth === 0) {
        if (byte === openBrace) {
          this.#depth = 1;
          if (at > start) {
            ends.push(offset + at);
          }
          start = at;
        } else if (byte === openBracket && this.#form === 'first') {
          this.#form = 'list';
        }
      } else if (byte === quote) {
        this.#isInString = true;
      } else if (byte === openBrace || byte === openBracket) {
        this.#depth += 1;
      } else if (byte === closeBrace || byte === closeBracket) {
        this.#depth -= 1;
        if (this.#depth === 0) {
          start = at + 1;
          ends.push(offset + start);
          this.#documentBytes = 0;
          this.#form = this.#form === 'first' ? 'later' : this.#form;
        }
      }
    }
    if (this.#depth > 0) {
      this.#documentBytes += bytes.length - start;
    } else if (start < bytes.length) {
      ends.push(offset + bytes.length);
    }
  }

  /** The position of the quote that ends the string, or of the last byte. Each run of backslashes is counted once, because it stands before only one quote. */
  #stringEnd(bytes: Buffer, from: number): number {
    const first = this.#isEscaped ? from + 1 : from;
    this.#isEscaped = false;
    for (let at = bytes.indexOf(quote, first); at >= 0; at = bytes.indexOf(quote, at + 1)) {
      if (!isEscapedAt(bytes, first, at)) {
        this.#isInString = false;
        return at;
      }
    }
    this.#isEscaped = isEscapedAt(bytes, first, bytes.length);
    return bytes.length - 1;
  }
}

/** True if an odd number of backslashes stands before position `at`. */
function isEscapedAt(bytes: Buffer, first: number, at: number): boolean {
  let before = at;
  while (before > first && bytes[before - 1] === backslash) {
    before -= 1;
  }
  return (at - before) % 2 === 1;
}
