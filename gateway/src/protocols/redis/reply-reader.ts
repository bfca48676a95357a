import { GatewayError } from '../../domain/errors.ts';
import { ByteQueue } from '../../wire/byte-queue.ts';
import { lineBody, lineBytesMax, readLength } from './lines.ts';

const depthMax = 128;
const countMax = 2 ** 31;
const lengthMax = 2 ** 32;

/** A piece of a reply: the head of an aggregate, a scalar, or a part of a long string. */
export interface ReplyPiece {
  /** The type, as RESP writes it: `$`, `*`, `>` and so on. */
  readonly type: string;
  readonly bytes: Buffer;
  /** The text of a scalar. Null: the piece is none, or only a part of one, or NULL. */
  readonly text: Buffer | null;
  /** True for a part of a string that is not whole. */
  readonly isPart: boolean;
  /** True if a reply begins with it. */
  readonly begins: boolean;
  /** True if the reply ends with it. */
  readonly ends: boolean;
}

/** An aggregate that is being read. */
interface Aggregate {
  left: number;
  /** True for attributes: they stand before a value and are none. */
  readonly isAttribute: boolean;
}

/** Reads the replies of a target piece by piece: RESP2 and RESP3. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export class ReplyReader {
  readonly #queue = new ByteQueue();
  readonly #open: Aggregate[] = [];
  /** The head of a string whose bytes are awaited. */
  #head: { readonly line: Buffer; readonly length: number } | null = null;
  /** Number of bytes of a long string that are still to come, with its end. */
  #leftBytes = 0;
  #type = '';
  #isWithin = false;

  push(bytes: Buffer): void {
    this.#queue.push(bytes);
  }

  /** True if a reply has begun and not ended. */
  get isWithin(): boolean {
    return this.#isWithin;
  }

  /** True if a part of a string was given, and not all of it. */
  get isWithinString(): boolean {
    return this.#leftBytes > 0;
  }

  /** Takes the bytes that were not read. No reply may have begun. */
  rest(): Buffer {
    return this.#queue.rest();
  }

  /** Returns the next piece; null if it has not come yet. A string of at most `wholeBytesMax` bytes comes whole. Throws GatewayError `malformed`. */
  next(wholeBytesMax: number): ReplyPiece | null {
    if (this.#leftBytes > 0) {
      const bytes = this.#queue.some(this.#leftBytes);
      this.#leftBytes -= bytes.length;
      return bytes.length === 0 ? null : this.#piece(bytes, { isPart: true, isItem: this.#leftBytes === 0 });
    }
    if (this.#head === null) {
      const line = this.#queue.peek() === null ? null : this.#queue.line(lineBytesMax);
      if (line === null) {
        return null;
      }
      this.#type = String.fromCharCode(line[0] ?? 0);
      const piece = this.#line(line);
      if (piece !== null) {
        return piece;
      }
    }
    return this.#string(wholeBytesMax);
  }

  /** Reads a line. Null: it is the head of a string. */
  #line(line: Buffer): ReplyPiece | null {
    const body = lineBody(line);
    switch (this.#type) {
      case '+':
      case '-':
      case ':':
      case ',':
      case '(':
        return this.#piece(line, { text: body.subarray(1), isItem: true });
      case '_':
      case '#':
        return this.#piece(line, { isItem: true });
      case '$':
      case '=':
      case '!':
        if (body.toString('latin1') === '$-1') {
          return this.#piece(line, { isItem: true });
        }
        this.#head = { line, length: readLength(line, lengthMax) };
        return null;
      case '*':
      case '~':
      case '>':
      case '%':
      case '|':
        return this.#aggregate(line, body);
      default:
        throw new GatewayError('malformed', `The target sent a reply of the type ${JSON.stringify(this.#type)}, which Redis's protocol does not have.`);
    }
  }

  #aggregate(line: Buffer, body: Buffer): ReplyPiece {
    if (body.toString('latin1') === '*-1') {
      return this.#piece(line, { isItem: true });
    }
    const isAttribute = this.#type === '|';
    const count = readLength(line, countMax) * (this.#type === '%' || isAttribute ? 2 : 1);
    if (count === 0) {
      return this.#piece(line, { isItem: !isAttribute });
    }
    if (this.#open.length >= depthMax) {
      throw new GatewayError('malformed', `The target sent a reply that is nested deeper than ${depthMax}.`);
    }
    const begins = !this.#isWithin;
    this.#isWithin = true;
    this.#open.push({ left: count, isAttribute });
    return { type: this.#type, bytes: line, text: null, isPart: false, begins, ends: false };
  }

  #string(wholeBytesMax: number): ReplyPiece | null {
    const head = this.#head;
    if (head === null) {
      return null;
    }
    const { line, length } = head;
    const bytes = this.#queue.take(length + 2);
    if (bytes !== null) {
      if (bytes.at(-2) !== 0x0d || bytes.at(-1) !== 0x0a) {
        throw new GatewayError('malformed', 'The target sent a string that is longer than it says.');
      }
      this.#head = null;
      return this.#piece(Buffer.concat([line, bytes]), { text: bytes.subarray(0, -2), isItem: true });
    }
    if (length <= wholeBytesMax) {
      return null;
    }
    this.#head = null;
    this.#leftBytes = length + 2;
    return this.#piece(line, { isPart: true, isItem: false });
  }

  #piece(
    bytes: Buffer,
    { text = null, isPart = false, isItem }: { readonly text?: Buffer | null; readonly isPart?: boolean; readonly isItem: boolean },
  ): ReplyPiece {
    const begins = !this.#isWithin;
    const ends = isItem && this.#closeItem();
    this.#isWithin = !ends;
    return { type: this.#type, bytes, text, isPart, begins, ends };
  }

  /** Counts a value that is whole. True: the reply is whole with it. */
  #closeItem(): boolean {
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      last.left -= 1;
      if (last.left > 0) {
        return false;
      }
      this.#open.pop();
      if (last.isAttribute) {
        return false;
      }
    }
    return true;
  }
}
