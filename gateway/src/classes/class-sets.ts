import type { DataClass } from '../domain/data-class.ts';
import { ClassSet, type OwnClass } from './class-set.ts';
import { Pattern } from './pattern.ts';
import { WordList } from './word-list.ts';

/** Most sets that are remembered. */
const rememberedMax = 100;

/** Classes with all classes within them: a value is found as one of the innermost class, and is of all that have that class within them. */
export interface NestedClasses {
  readonly set: ClassSet;
  /** Returns the classes that were asked for of a value that was found as one of this class. */
  readonly namesOf: (name: string) => readonly string[];
}

/** Makes the sets of classes that are looked for together, with those of the operator among them. */
export class ClassSets {
  readonly #own: ReadonlyMap<string, OwnClass>;
  /** The classes of the operator, each without the classes within it. */
  readonly #apart: ReadonlyMap<string, OwnClass>;
  readonly #remembered = new Map<string, ClassSet>();
  /** The sets by lists of names: requests ask with the same lists again and again, and sorting them costs more than many a scan. */
  readonly #ofLists = new WeakMap<readonly string[], ClassSet>();
  readonly #nestedOfLists = new WeakMap<readonly string[], NestedClasses>();

  /** Throws PatternError if a pattern cannot be used. */
  constructor(classes: Iterable<DataClass>) {
    this.#own = new Map(
      Array.from(classes, ({ name, pattern, words, classes: within }) => [
        name,
        { pattern: pattern === null ? null : new Pattern(pattern), words: words.length === 0 ? null : new WordList(words), classes: within },
      ]),
    );
    this.#apart = new Map(Array.from(this.#own, ([name, each]) => [name, { ...each, classes: [] }]));
  }

  /** Returns the set of these classes. A class that is known by its places alone is in no text. Throws RangeError if there is no class of a name. */
  of(names: readonly string[]): ClassSet {
    const set = this.#ofLists.get(names) ?? this.#ofNames(names);
    this.#ofLists.set(names, set);
    return set;
  }

  /** Returns these classes with all classes within them, apart from one another. Throws RangeError if there is no class of a name. */
  nested(names: readonly string[]): NestedClasses {
    const known = this.#nestedOfLists.get(names) ?? this.#nestedOf(names);
    this.#nestedOfLists.set(names, known);
    return known;
  }

  #nestedOf(names: readonly string[]): NestedClasses {
    const outer = new Map<string, string[]>();
    for (const name of new Set(names)) {
      for (const inner of namesWithin(name, this.#own)) {
        outer.set(inner, [...(outer.get(inner) ?? []), name]);
      }
    }
    const key = `nested:${names.toSorted().join()}`;
    const set = this.#remember(key, () => new ClassSet([...outer.keys()], this.#apart));
    return { set, namesOf: (name) => outer.get(name) ?? [] };
  }

  #ofNames(names: readonly string[]): ClassSet {
    return this.#remember(names.toSorted().join(), () => new ClassSet(names, this.#own));
  }

  #remember(key: string, make: () => ClassSet): ClassSet {
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#remembered.size >= rememberedMax) {
      this.#remembered.clear();
    }
    const set = make();
    this.#remembered.set(key, set);
    return set;
  }
}

/** Returns the names of a class and of all classes within it. */
function namesWithin(name: string, own: ReadonlyMap<string, OwnClass>, found = new Set<string>()): ReadonlySet<string> {
  if (!found.has(name)) {
    found.add(name);
    for (const inner of own.get(name)?.classes ?? []) {
      namesWithin(inner, own, found);
    }
  }
  return found;
}
