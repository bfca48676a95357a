import { Framer, lines } from '../../content/framer.ts';

/** Splits a stream into lines in linear time. It holds at most `lineBytesMax` bytes of a line, and its line feed. */
export class LineReader {
  readonly #framer: Framer;

  constructor(lineBytesMax: number) {
    this.#framer = new Framer(lines(), lineBytesMax + 1);
  }

  /** Takes a piece and returns the lines that end in it, without their line feeds. Null if a line is longer than the limit; nothing more can be read then. */
  push(piece: Buffer): Buffer[] | null {
    const frames = this.#framer.push(piece);
    return frames.every(({ is }) => is === 'document') ? frames.map(({ bytes }) => bytes.subarray(0, -1)) : null;
  }
}
