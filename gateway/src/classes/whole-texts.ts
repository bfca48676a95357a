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

  /** Returns a text with its values; null if it has none. */
  look(text: string): Settled | null {
    const isShort = text.length <= plainUnitsMax;
    if (isShort && (this.#classes.plain.has(text) || !this.#classes.mayHoldIn(text))) {
      return null;
    }
    const settled = new TextScan(this.#classes).endWith(text);
    if (settled.found.length > 0) {
      return settled;
    }
    if (isShort) {
      // A text that is cut out of a longer one would keep the whole of it.
      this.#classes.plain.add(text.split('').join(''));
    }
    return null;
  }
}
