import type { Frame, Splitter } from './frame.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const colon = 0x3a;
const byteOrderMark = [0xef, 0xbb, 0xbf] as const;
const noEnds: readonly number[] = [];

interface ReadEvent {
  readonly type: string;
  /** The lines of data. Without any, the event is none. */
  readonly data: readonly string[];
  /** Null: the event names no id. */
  readonly id: string | null;
}

/**
 * Splits text/event-stream into its events. Time is linear.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseEvents implements Splitter {
  readonly isStream = true;
  readonly #areCommentsApart: boolean;
  /** Number of bytes of a byte order mark that the stream began with. Null: the mark is over, or there is none. */
  #markBytes: number | null = 0;
  /** The kind of the line that has begun. `empty`: no byte of it has come. */
  #line: 'empty' | 'comment' | 'field' = 'empty';
  /** True if a line of the frame has come that does not end it. */
  #isInside = false;
  /** True if the last byte was a carriage return; a line feed after it belongs to the same line end. */
  #isAfterReturn = false;
  #isFirst = true;
  #lastId = '';

  /**
   * If `areCommentsApart`, a comment between two events is a frame of its own, so that nobody waits for more. Otherwise it belongs to the event after it.
   */
  constructor({ areCommentsApart = true } = {}) {
    this.#areCommentsApart = areCommentsApart;
  }

  ends(bytes: Buffer): readonly number[] {
    if (bytes.length === 0) {
      return noEnds;
    }
    const ends: number[] = [];
    let at = 0;
    if (this.#isAfterReturn && bytes[0] === lineFeed) {
      at = 1;
      if (!this.#isInside) {
        ends.push(1);
      }
    }
    this.#isAfterReturn = false;
    at = this.#markBytes === null ? at : this.#passMark(bytes, this.#markBytes);
    let nextFeed = bytes.indexOf(lineFeed, at);
    let nextReturn = bytes.indexOf(carriageReturn, at);
    while (at < bytes.length) {
      // Each byte is searched only once: a position is searched again only after it was passed.
      nextFeed = nextFeed >= 0 && nextFeed < at ? bytes.indexOf(lineFeed, at) : nextFeed;
      nextReturn = nextReturn >= 0 && nextReturn < at ? bytes.indexOf(carriageReturn, at) : nextReturn;
      const end = nextFeed < 0 || (nextReturn >= 0 && nextReturn < nextFeed) ? nextReturn : nextFeed;
      if (end !== at && this.#line === 'empty') {
        this.#line = bytes[at] === colon ? 'comment' : 'field';
      }
      if (end < 0) {
        break;
      }
      at = end + 1;
      if (end === nextReturn) {
        this.#isAfterReturn = at === bytes.length;
        at += bytes[at] === lineFeed ? 1 : 0;
      }
      if (this.#endsFrame()) {
        ends.push(at);
      }
    }
    return ends;
  }

  frame(bytes: Buffer): Frame {
    const { type, data, id } = this.#read(bytes);
    this.#lastId = id ?? this.#lastId;
    if (data.length > 0) {
      return { is: 'event', bytes, event: { type, data: data.join('\n'), id: this.#lastId } };
    }
    return id === null ? { is: 'other', bytes } : { is: 'other', bytes, id };
  }

  /** There are clients that accept an event without an empty line at its end. */
  last(bytes: Buffer): Frame {
    const { type, data, id } = this.#read(bytes);
    const event = { type, data: data.join('\n'), id: id ?? this.#lastId };
    return { is: 'unended', bytes, ...(data.length === 0 ? {} : { event }), ...(id === null ? {} : { id }) };
  }

  /** Returns the position after the byte order mark, or after the part of it that has come. */
  #passMark(bytes: Buffer, passed: number): number {
    let at = 0;
    while (at < bytes.length && passed + at < byteOrderMark.length && bytes[at] === byteOrderMark[passed + at]) {
      at += 1;
    }
    const markBytes = passed + at;
    const isOver = markBytes === byteOrderMark.length || at < bytes.length;
    this.#markBytes = isOver ? null : markBytes;
    if (isOver && markBytes > 0 && markBytes < byteOrderMark.length) {
      this.#line = 'field';
    }
    return at;
  }

  /** Ends a line. True if a frame ends with it: at an empty line, or at a comment between two events. */
  #endsFrame(): boolean {
    const line = this.#line;
    this.#line = 'empty';
    this.#isInside = line !== 'empty' && (this.#isInside || line === 'field' || !this.#areCommentsApart);
    return !this.#isInside;
  }

  #read(bytes: Buffer): ReadEvent {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return readEvent(bytes, isFirst);
  }
}

function readEvent(bytes: Buffer, isFirst: boolean): ReadEvent {
  const written = bytes.toString();
  const text = written.includes('\r') ? written.replaceAll(/\r\n?/g, '\n') : written;
  const data: string[] = [];
  let [type, id]: [string, string | null] = ['', null];
  for (let at = isFirst && text.startsWith('\u{feff}') ? 1 : 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf('\n', at);
    end = end < 0 ? text.length : end;
    const line = text.slice(at, end);
    const nameEnd = line.indexOf(':');
    const name = nameEnd < 0 ? line : line.slice(0, nameEnd);
    const value = nameEnd < 0 ? '' : line.slice(nameEnd + (line[nameEnd + 1] === ' ' ? 2 : 1));
    if (name === 'data') {
      data.push(value);
    } else if (name === 'event') {
      type = value;
    } else if (name === 'id' && !value.includes('\0')) {
      id = value;
    }
  }
  return { type: type === '' ? 'message' : type, data, id };
}
