import { ByteWriter } from '../wire/byte-writer.ts';

export interface SseEvent {
  /** The type that the stream names, otherwise `message`. */
  readonly type: string;
  readonly data: string;
  /** The last id that the stream gave; empty before the first id. */
  readonly id: string;
}

/** Most bytes of one event that are held by default. A longer event is skipped and counted. */
const sseEventBytesMax = 1024 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const colon = 0x3a;
const space = 0x20;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads text/event-stream piece by piece. Pieces may be cut anywhere: the events are the same, and time is linear. Any bytes are acceptable input.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseParser {
  readonly #eventBytesMax: number;
  /** The beginning of a line that is not yet complete. */
  #line: ByteWriter | null = null;
  /** True if the current line is longer than the limit; only its beginning is kept. */
  #lineTooLong = false;
  #isFirstLine = true;
  #endedByCarriageReturn = false;
  #data: string[] = [];
  #type = '';
  #id = '';
  #eventBytes = 0;
  #isSkipping = false;
  #skipped = 0;

  constructor(eventBytesMax = sseEventBytesMax) {
    this.#eventBytesMax = eventBytesMax;
  }

  /** Number of events that were longer than the limit. */
  get skipped(): number {
    return this.#skipped;
  }

  /** The last id that the stream gave, even in an event without data; empty before the first id. */
  get lastId(): string {
    return this.#id;
  }

  /** True if the input so far ends with the end of an event, or is empty. */
  get isBetweenEvents(): boolean {
    return this.#line === null && this.#eventBytes === 0 && !this.#isSkipping;
  }

  /** Takes the next piece and returns the events that end in it. */
  push(piece: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let at = 0;
    let nextFeed = bytes.indexOf(lineFeed);
    let nextReturn = bytes.indexOf(carriageReturn);
    if (bytes.length > 0) {
      at = this.#endedByCarriageReturn && bytes[0] === lineFeed ? 1 : 0;
      this.#endedByCarriageReturn = false;
    }
    while (at < bytes.length) {
      // Each byte is searched only once: a position is searched again only after it was passed.
      nextFeed = nextFeed >= 0 && nextFeed < at ? bytes.indexOf(lineFeed, at) : nextFeed;
      nextReturn = nextReturn >= 0 && nextReturn < at ? bytes.indexOf(carriageReturn, at) : nextReturn;
      const end = nextFeed < 0 || (nextReturn >= 0 && nextReturn < nextFeed) ? nextReturn : nextFeed;
      if (end < 0) {
        this.#begin(bytes.subarray(at));
        break;
      }
      const event = this.#endLine(bytes.subarray(at, end));
      if (event !== null) {
        events.push(event);
      }
      at = end + 1;
      if (end === nextReturn) {
        if (at === bytes.length) {
          this.#endedByCarriageReturn = true;
        } else if (bytes[at] === lineFeed) {
          at += 1;
        }
      }
    }
    return events;
  }

  #begin(bytes: Buffer): void {
    this.#line ??= new ByteWriter();
    const room = this.#eventBytesMax - this.#line.length;
    this.#line.bytes(bytes.subarray(0, room));
    this.#lineTooLong ||= bytes.length > room;
  }

  #endLine(rest: Buffer): SseEvent | null {
    let line = rest;
    if (this.#line !== null) {
      this.#begin(rest);
      line = this.#line.finish();
    } else {
      this.#lineTooLong = rest.length > this.#eventBytesMax;
    }
    const isTooLong = this.#lineTooLong;
    this.#line = null;
    this.#lineTooLong = false;
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      line = line.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? line.subarray(byteOrderMark.length) : line;
    }
    if (line.length === 0) {
      return this.#endEvent();
    }
    if (line[0] !== colon) {
      this.#field(line, isTooLong);
    }
    return null;
  }

  #field(line: Buffer, isTooLong: boolean): void {
    const nameEnd = line.indexOf(colon);
    const name = line.toString('latin1', 0, nameEnd < 0 ? line.length : nameEnd);
    const valueStart = nameEnd < 0 ? line.length : nameEnd + (line[nameEnd + 1] === space ? 2 : 1);
    this.#eventBytes += line.length;
    this.#isSkipping ||= isTooLong || this.#eventBytes > this.#eventBytesMax;
    if (this.#isSkipping) {
      this.#data = [];
      return;
    }
    const value = line.toString('utf8', valueStart);
    if (name === 'data') {
      this.#data.push(value);
    } else if (name === 'event') {
      this.#type = value;
    } else if (name === 'id' && !value.includes('\0')) {
      this.#id = value;
    }
  }

  #endEvent(): SseEvent | null {
    const event = this.#data.length === 0 ? null : { type: this.#type === '' ? 'message' : this.#type, data: this.#data.join('\n'), id: this.#id };
    this.#skipped += this.#isSkipping ? 1 : 0;
    this.#data = [];
    this.#type = '';
    this.#eventBytes = 0;
    this.#isSkipping = false;
    return event;
  }
}
