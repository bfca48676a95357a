import type { ClassSet } from './class-set.ts';
import { TextScan, type Settled } from './text-scan.ts';

/** The length of the longest text of which is remembered that nothing is in it. */
const plainUnitsMax = 64;

/**
 * Looks at whole texts. Names of members, ids and models are in each event of a stream, and names and values of headers in each answer, so short texts without values are looked at once.
 */
export class WholeTexts {
  readonly #classes: ClassSet;

  constructor(classes: ClassSet) {
    this.#classes = classes;
  }

  /** Returns a text from one of these sources with its values; null if it has none. */
  look(text: string, sources?: readonly string[]): Settled | null {
    const isShort = text.length <= plainUnitsMax;
    if (isShort && !this.#classes.mayHoldIn(text)) {
      return null;
    }
    const before = this.#classes.words.of(sources);
    // A text without values may have one behind other words. There is no line feed in words.
    const known = `${before}\n${text}`;
    if (isShort && this.#classes.plain.has(known)) {
      return null;
    }
    const settled = new TextScan(this.#classes, before).endWith(text);
    if (settled.found.length > 0) {
      return settled;
    }
    if (isShort) {
      // A text that is cut out of a longer one would keep the whole of it.
      this.#classes.plain.add(known.split('').join(''));
    }
    return null;
  }
}
