import type { DataClass } from '../domain/data-class.ts';
import { ClassSet, type OwnClass } from './class-set.ts';
import { Pattern } from './pattern.ts';
import { WordList } from './word-list.ts';

/** Most sets that are remembered. */
const rememberedMax = 100;

/** Makes the sets of classes that are looked for together, with those of the operator among them. */
export class ClassSets {
  readonly #own: ReadonlyMap<string, OwnClass>;
  readonly #remembered = new Map<string, ClassSet>();
  /** The sets by lists of names: requests ask with the same lists again and again, and sorting them costs more than many a scan. */
  readonly #ofLists = new WeakMap<readonly string[], ClassSet>();

  /** Throws PatternError if a pattern cannot be used. */
  constructor(classes: Iterable<DataClass>) {
    this.#own = new Map(
      Array.from(classes, ({ name, pattern, words, classes: within }) => [
        name,
        { pattern: pattern === null ? null : new Pattern(pattern), words: words.length === 0 ? null : new WordList(words), classes: within },
      ]),
    );
  }

  /** Returns the set of these classes. A class that is known by its places alone is in no text. Throws RangeError if there is no class of a name. */
  of(names: readonly string[]): ClassSet {
    const set = this.#ofLists.get(names) ?? this.#ofNames(names);
    this.#ofLists.set(names, set);
    return set;
  }

  #ofNames(names: readonly string[]): ClassSet {
    const key = names.toSorted().join();
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#remembered.size >= rememberedMax) {
      this.#remembered.clear();
    }
    const set = new ClassSet(names, this.#own);
    this.#remembered.set(key, set);
    return set;
  }
}
