import { changeAllInSlices, changeText, sliceUnits, type AskedText, type Slices, type TextChange } from '../domain/text-change.ts';

/**
 * Changes texts in slices, for readers that ask for each text with a call and want the changed one at once. A long message is read twice: the first time each text comes
 * back as it is, then all of them are changed in slices, and the second time they come back changed.
 */
export class SlicedTexts {
  readonly #changes: readonly TextChange[];
  /** The texts that were asked for when the message was read first. Null: it is not being read first. */
  #asked: AskedText[] | null = null;
  /** These texts changed, and how many of them were asked for again. */
  #changed: { readonly asked: readonly AskedText[]; readonly texts: readonly string[]; next: number } | null = null;

  constructor(changes: readonly TextChange[]) {
    this.#changes = changes;
  }

  /** Changes a text. Within `inSlices` it is the function by which the message is read. */
  change(text: string, sources?: readonly string[], isDerived = false): string {
    if (this.#asked !== null) {
      this.#asked.push({ text, sources, isDerived });
      return text;
    }
    return this.#known({ text, sources, isDerived }) ?? changeText(this.#changes, text, sources, isDerived);
  }

  /**
   * Reads a message of so many bytes. `read` calls `change` for each text, does nothing else that may not be done twice, and asks for no text that depends on a changed one. Throws what
   * `read` throws.
   */
  *inSlices<Result>(bytes: number, read: () => Result): Slices<Result> {
    if (bytes <= sliceUnits) {
      return read();
    }
    const asked: AskedText[] = [];
    this.#asked = asked;
    try {
      read();
    } finally {
      this.#asked = null;
    }
    const texts = yield* changeAllInSlices(this.#changes, asked);
    yield;
    this.#changed = { asked, texts, next: 0 };
    try {
      return read();
    } finally {
      this.#changed = null;
    }
  }

  /** Returns a text that was changed before. A reader that has seen enough does not ask for each of them again. */
  #known(text: AskedText): string | undefined {
    const changed = this.#changed;
    while (changed !== null && changed.next < changed.asked.length) {
      const at = changed.next;
      changed.next += 1;
      if (areSame(text, changed.asked[at])) {
        return changed.texts[at];
      }
    }
    return undefined;
  }
}

function areSame(one: AskedText, other: AskedText | undefined): boolean {
  return (
    one.text === other?.text &&
    one.isDerived === other.isDerived &&
    (one.sources === other.sources ||
      (one.sources?.length === other.sources?.length && one.sources?.every((source, i) => source === other.sources?.[i]) === true))
  );
}
