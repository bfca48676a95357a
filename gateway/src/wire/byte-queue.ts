import { GatewayError } from '../domain/errors.ts';

const lineFeed = 0x0a;

/** Bytes that have come and are not read yet. They are joined only where what is asked for is there. */
export class ByteQueue {
  #pieces: Buffer[] = [];
  #length = 0;
  /** Number of bytes at the beginning in which no line ends. */
  #searched = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Buffer): void {
    if (bytes.length > 0) {
      this.#pieces.push(bytes);
      this.#length += bytes.length;
    }
  }

  /** Returns the next byte without taking it; null if there is none. */
  peek(): number | null {
    return this.#pieces[0]?.[0] ?? null;
  }

  /** Returns so many bytes without taking them; null if they have not come yet. */
  look(length: number): Buffer | null {
    if (length > this.#length) {
      return null;
    }
    const [first = Buffer.alloc(0)] = this.#pieces;
    return (first.length >= length ? first : this.#join()).subarray(0, length);
  }

  /** Takes so many bytes; null if they have not come yet. */
  take(length: number): Buffer | null {
    if (length > this.#length) {
      return null;
    }
    const [first = Buffer.alloc(0)] = this.#pieces;
    const whole = first.length >= length ? first : this.#join();
    this.#drop(whole, length);
    return whole.subarray(0, length);
  }

  /** Takes what has come, at most so many bytes. */
  some(lengthMax: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces;
    const taken = first.subarray(0, lengthMax);
    this.#drop(first, taken.length);
    return taken;
  }

  /** Takes a line with its end, which is a line feed; null if it is not whole yet. Throws GatewayError `malformed` for one that is longer. */
  line(lineBytesMax: number): Buffer | null {
    const whole = this.#join();
    const end = whole.indexOf(lineFeed, this.#searched);
    if (end < 0 ? whole.length > lineBytesMax : end > lineBytesMax) {
      throw new GatewayError('malformed', `A line has more than ${lineBytesMax} bytes.`);
    }
    if (end < 0) {
      this.#searched = whole.length;
      return null;
    }
    this.#drop(whole, end + 1);
    return whole.subarray(0, end + 1);
  }

  /** Takes all bytes that are left. */
  rest(): Buffer {
    return this.take(this.#length) ?? Buffer.alloc(0);
  }

  #join(): Buffer {
    if (this.#pieces.length > 1) {
      this.#pieces = [Buffer.concat(this.#pieces, this.#length)];
    }
    return this.#pieces[0] ?? Buffer.alloc(0);
  }

  #drop(first: Buffer, length: number): void {
    this.#length -= length;
    this.#searched = 0;
    if (length < first.length) {
      this.#pieces[0] = first.subarray(length);
    } else {
      this.#pieces.shift();
    }
  }
}
