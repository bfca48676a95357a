const lineFeed = 0x0a;

/** Splits a stream into lines in linear time. It holds at most `lineBytesMax` bytes of a line. */
export class LineReader {
  readonly #lineBytesMax: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Takes a piece and returns the lines that end in it, without their line feeds. Null once a line is longer than the limit; nothing more can be read then. */
  push(piece: Buffer): Buffer[] | null {
    const lines: Buffer[] = [];
    let at = 0;
    for (let end = piece.indexOf(lineFeed); end >= 0; end = piece.indexOf(lineFeed, at)) {
      if (!this.#hold(piece.subarray(at, end))) {
        return null;
      }
      lines.push(this.#pending.length === 1 ? (this.#pending[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pending));
      this.#pending = [];
      this.#pendingBytes = 0;
      at = end + 1;
    }
    return this.#hold(piece.subarray(at)) ? lines : null;
  }

  #hold(bytes: Buffer): boolean {
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > this.#lineBytesMax) {
      this.#pending = [];
      return false;
    }
    this.#pending.push(bytes);
    return true;
  }
}
