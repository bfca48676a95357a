import type { ClassSet } from './class-set.ts';
import { TextScan, type Settled } from './text-scan.ts';

/** Most texts of which is remembered that nothing is in them, and the length of the longest. */
const plainMax = 256;
const plainUnitsMax = 64;

/** Looks at the whole texts of one answer. Names of members, ids and models are in each event of a stream, so short texts without values are looked at once. */
export class WholeTexts {
  readonly #classes: ClassSet;
  readonly #plain = new Set<string>();

  constructor(classes: ClassSet) {
    this.#classes = classes;
  }

  /** Returns a text with its values; null if it has none. */
  look(text: string): Settled | null {
    if (this.#plain.has(text)) {
      return null;
    }
    const settled = new TextScan(this.#classes).endWith(text);
    if (settled.found.length > 0) {
      return settled;
    }
    if (text.length <= plainUnitsMax && this.#plain.size < plainMax) {
      this.#plain.add(text);
    }
    return null;
  }
}
