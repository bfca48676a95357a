const quote = 0x22;
const backslash = 0x5c;
const openers: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const closers: ReadonlySet<number> = new Set([0x7d, 0x5d]);

/** Follows a JSON object or list that comes in pieces, and knows when it has ended. It reads each character once. Any text is acceptable. */
export class JsonEnd {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  push(text: string): void {
    for (let i = 0; i < text.length && !this.#isOver; i += 1) {
      this.#read(text.charCodeAt(i));
    }
  }

  #read(code: number): void {
    if (this.#isInString) {
      const isEnd = code === quote && !this.#isEscaped;
      this.#isEscaped = code === backslash && !this.#isEscaped;
      this.#isInString = !isEnd;
    } else if (code === quote) {
      this.#isInString = true;
    } else if (openers.has(code)) {
      this.#depth += 1;
    } else if (closers.has(code) && this.#depth > 0) {
      this.#depth -= 1;
      this.#isOver = this.#depth === 0;
    }
  }
}
