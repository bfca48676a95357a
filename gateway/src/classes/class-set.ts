import { contextWords, detectors, identifiers, ranks } from './catalogue.ts';
import { digit } from './characters.ts';
import { supportOf, type Strength } from './context.ts';
import type { Detector, Open } from './detector.ts';
import { FormTree } from './identifiers.ts';
import { textBefore, type View } from './view.ts';

/** A value that was found in a view, before it is compared with others. */
export interface Candidate {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly isNamed: boolean;
  readonly open: Open | null;
}

/** Classes that are looked for together. It never changes, so many scans can share it; to make one takes much longer than to scan a short text. */
export class ClassSet {
  readonly #detectors: readonly Detector[];
  readonly #forms: FormTree | null;
  /** The kinds of characters without one of which nothing is found. */
  readonly traits: number;

  /** Throws RangeError if there is no class of a name. */
  constructor(names: readonly string[]) {
    const unknown = names.find((name) => !ranks.has(name));
    if (unknown !== undefined) {
      throw new RangeError(`there is no class ${unknown}`);
    }
    const wanted = new Set(names);
    this.#detectors = detectors.filter(({ name }) => wanted.has(name));
    const formed = identifiers.filter(({ name }) => wanted.has(name));
    this.#forms = formed.length === 0 ? null : new FormTree(formed);
    this.traits = this.#detectors.reduce((traits, detector) => traits | detector.traits, this.#forms === null ? 0 : digit);
  }

  /** Returns the values in a view. They may overlap; they are sorted, and of those that begin at one place the one that counts comes first. */
  look(view: View): Candidate[] {
    const found: Candidate[] = [];
    const take = (name: string, { start, end, strength, open }: Omit<Candidate, 'name' | 'isNamed'> & { readonly strength: Strength }): void => {
      const support = supportOf(textBefore(view, start), { name, strength }, contextWords);
      if (support !== 'none') {
        found.push({ name, start, end, isNamed: support === 'named', open });
      }
    };
    for (const { name, traits, find } of this.#detectors) {
      if ((traits & view.traits) !== 0) {
        find(view, (start, end, strength, open) => {
          take(name, { start, end, strength, open: open ?? null });
        });
      }
    }
    if ((view.traits & digit) !== 0) {
      this.#forms?.find(view, ({ name }, range) => {
        take(name, { ...range, open: null });
      });
    }
    return found.length < 2 ? found : found.toSorted(compare);
  }
}

function compare(one: Candidate, other: Candidate): number {
  const byNamed = Number(other.isNamed) - Number(one.isNamed);
  return one.start - other.start || other.end - one.end || byNamed || (ranks.get(one.name) ?? 0) - (ranks.get(other.name) ?? 0);
}
