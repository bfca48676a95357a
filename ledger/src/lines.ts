/** Reads text of any length line by line, in bounded memory. */
import { MalformedError } from './malformed.ts';

const newline = 0x0a;

/**
 * Yields the lines without their newlines. A line is valid until the next one is asked for. Throws `MalformedError` for a line that is longer than `bytesMax`,
 * or that has no newline.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array, void> {
  const rest = new Rest(bytesMax);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield rest.take(chunk.subarray(start, end));
      start = end + 1;
    }
    rest.keep(chunk.subarray(start));
  }
  rest.assertNone();
}

/** Returns the last line without its newline. Rejects with `MalformedError` as `splitLines` does, and if there is no line. */
export async function findLastLine(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const rest = new Rest(bytesMax);
  let last: Uint8Array | undefined;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(newline);
    if (end >= 0) {
      const start = end === 0 ? -1 : chunk.lastIndexOf(newline, end - 1);
      last = start >= 0 ? chunk.slice(start + 1, end) : rest.take(chunk.subarray(0, end)).slice();
      rest.clear();
    }
    rest.keep(chunk.subarray(end + 1));
  }
  rest.assertNone();
  if (last === undefined) {
    throw new MalformedError('empty file');
  }
  return last;
}

/** The beginning of a line that continues in the next chunk. */
class Rest {
  readonly #bytesMax: number;
  #bytes = new Uint8Array(4096);
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Returns the whole line that ends with `end`. */
  take(end: Uint8Array): Uint8Array {
    if (this.#length === 0 && end.length <= this.#bytesMax) {
      return end;
    }
    this.keep(end);
    const line = this.#bytes.subarray(0, this.#length);
    this.clear();
    return line;
  }

  keep(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#bytesMax) {
      throw new MalformedError('line too long');
    }
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#length);
    this.#length = length;
  }

  clear(): void {
    this.#length = 0;
  }

  assertNone(): void {
    if (this.#length > 0) {
      throw new MalformedError('line without an end');
    }
  }
}
