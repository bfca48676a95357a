import { ByteWriter } from '../../wire/byte-writer.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Finds the JSON objects of a body, piece by piece: a single object, the elements of one list, or objects one after another. Pieces may be cut
 * anywhere; time is linear. Bytes between objects are skipped.
 */
export class JsonDocuments {
  readonly #documentBytesMax: number;
  #held: ByteWriter | null = null;
  #isTooLong = false;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #skipped = 0;
  #isList = false;

  /** A document of more bytes is skipped and counted. */
  constructor(documentBytesMax = defaultEventBytesMax) {
    this.#documentBytesMax = documentBytesMax;
  }

  /** Number of objects that were longer than the limit. */
  get skipped(): number {
    return this.#skipped;
  }

  /** True if the objects are the elements of a list. */
  get isList(): boolean {
    return this.#isList;
  }

  /** Number of bytes that are held of the object that has begun and not ended. */
  get heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  /** Returns the held bytes of the object that has begun, because the caller reads it from here on. */
  giveUp(): Buffer {
    const held = this.#held?.finish() ?? Buffer.alloc(0);
    this.#held = null;
    this.#depth = 0;
    return held;
  }

  /** True if an object has begun and not ended. */
  get isInside(): boolean {
    return this.#depth > 0;
  }

  /** Takes the next piece and returns the bytes of the objects that end in it. */
  push(piece: Uint8Array): Buffer[] {
    const documents: Buffer[] = [];
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
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
          start = at;
        }
        this.#isList ||= byte === openBracket;
      } else if (byte === quote) {
        this.#isInString = true;
      } else if (byte === openBrace || byte === openBracket) {
        this.#depth += 1;
      } else if (byte === closeBrace || byte === closeBracket) {
        this.#depth -= 1;
        if (this.#depth === 0) {
          const document = this.#end(bytes.subarray(start, at + 1));
          if (document !== null) {
            documents.push(document);
          }
        }
      }
    }
    if (this.#depth > 0) {
      this.#hold(bytes.subarray(start));
    }
    return documents;
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

  #hold(bytes: Buffer): void {
    this.#held ??= new ByteWriter();
    this.#isTooLong ||= this.#held.length + bytes.length > this.#documentBytesMax;
    if (this.#isTooLong) {
      this.#held = new ByteWriter();
    } else {
      this.#held.bytes(bytes);
    }
  }

  #end(last: Buffer): Buffer | null {
    let document: Buffer | null = null;
    if (this.#held === null && last.length <= this.#documentBytesMax) {
      document = last;
    } else {
      this.#hold(last);
      document = this.#isTooLong ? null : (this.#held?.finish() ?? null);
    }
    this.#skipped += document === null ? 1 : 0;
    this.#held = null;
    this.#isTooLong = false;
    return document;
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
