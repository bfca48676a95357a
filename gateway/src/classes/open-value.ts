import type { Open } from './detector.ts';

/** A private key in PEM of 16,384 bits has 12,700 characters. */
const keyUnitsMax = 16_384;
/** Words of a key in one line are at least so long. Shorter ones in front of a space are the prose behind something that only began like a key. */
const keyWordUnitsMin = 16;
const dashes = 5;

/** A value that began and goes on for as long as the text allows. It is followed character by character, so that nothing of it is held back. */
export class OpenValue {
  readonly name: string;
  readonly #kind: Open;
  /** True behind the end of the value. */
  isEnded = false;
  #units = 0;
  #wordUnits = 0;
  #dashes = 0;
  #isInLastLine = false;
  #last = '\n';

  constructor(name: string, kind: Open) {
    this.name = name;
    this.#kind = kind;
  }

  /** Returns the end of what belongs to the value from `start` on. */
  follow(text: string, start: number): number {
    let at = start;
    while (at < text.length && !this.isEnded) {
      const character = text[at] ?? '';
      const belongs = this.#kind === 'token' ? /[\w.~+/=-]/.test(character) : this.#isOfKey(character);
      if (!belongs) {
        this.isEnded = true;
        break;
      }
      at += 1;
    }
    return at;
  }

  #isOfKey(character: string): boolean {
    this.#units += 1;
    const last = this.#last;
    this.#last = character;
    if (this.#units > keyUnitsMax) {
      return false;
    }
    if (character === '-') {
      this.#dashes += 1;
      // The last line has five dashes, END with the kind of the key, and five dashes.
      this.isEnded = this.#isInLastLine && this.#dashes === dashes;
      return true;
    }
    this.#isInLastLine = (this.#dashes >= dashes && character === 'E') || (this.#isInLastLine && this.#dashes === 0 && /[A-Z0-9 ]/.test(character));
    this.#dashes = 0;
    const wordUnits = this.#wordUnits;
    this.#wordUnits = /[A-Za-z0-9+/=]/.test(character) ? wordUnits + 1 : 0;
    if (this.#isInLastLine) {
      return true;
    }
    if (character === ' ') {
      return wordUnits >= keyWordUnitsMin || /[\s:-]/.test(last);
    }
    return /[A-Za-z0-9+/=\n\r\\:,%]/.test(character);
  }
}
