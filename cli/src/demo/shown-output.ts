import type { Readable } from 'node:stream';

/** The output of a program. It is printed as it comes, except while something else is printed. */
export class ShownOutput {
  /** Resolves when the program has closed its output. */
  readonly ended: Promise<void>;
  #text = '';
  #printed = 0;
  #isHeldBack = false;
  #isOver = false;
  #more = Promise.withResolvers<void>();

  constructor(stream: Readable) {
    this.ended = this.#read(stream);
  }

  /** All that the program has written. */
  get text(): string {
    return this.#text;
  }

  /** Waits until the program has written something that matches. Resolves with the first group of the pattern; null if the output ends without a match. */
  async find(pattern: RegExp): Promise<string | null> {
    for (;;) {
      const [, found] = pattern.exec(this.#text) ?? [];
      if (found !== undefined || this.#isOver) {
        return found ?? null;
      }
      await this.#more.promise;
    }
  }

  /** Holds the output back until the act is over. A line that the program has begun goes on in a new line then. */
  async holdBackFor(act: () => Promise<void>): Promise<void> {
    this.#isHeldBack = true;
    const isInLine = this.#printed > 0 && this.#text[this.#printed - 1] !== '\n';
    process.stdout.write(isInLine ? '…\n' : '');
    try {
      await act();
    } finally {
      this.#isHeldBack = false;
      process.stdout.write(isInLine ? '\n  … ' : '\n');
      this.#print();
    }
  }

  async #read(stream: Readable): Promise<void> {
    try {
      for await (const piece of stream.setEncoding('utf8')) {
        this.#text += String(piece);
        this.#print();
        this.#wake();
      }
    } finally {
      this.#isOver = true;
      this.#wake();
    }
  }

  #print(): void {
    if (!this.#isHeldBack) {
      process.stdout.write(this.#text.slice(this.#printed));
      this.#printed = this.#text.length;
    }
  }

  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }
}
