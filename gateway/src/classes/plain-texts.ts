/** Most texts of which is remembered that nothing is in them: so many newer ones and so many older ones. */
const plainMax = 256;

/** Remembers texts without values, of all answers in which values of the same classes are looked for. A text that comes again stays. */
export class PlainTexts {
  #newer = new Set<string>();
  #older = new Set<string>();

  has(text: string): boolean {
    if (this.#newer.has(text)) {
      return true;
    }
    const isKnown = this.#older.has(text);
    if (isKnown) {
      this.add(text);
    }
    return isKnown;
  }

  add(text: string): void {
    if (this.#newer.size >= plainMax) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(text);
  }
}
