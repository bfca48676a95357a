import { ClassSet } from '../class-set.ts';
import { builtInClasses } from '../catalogue.ts';
import { findIn } from '../text-scan.ts';
import type { Labelled } from './labelled.ts';

export interface Score {
  readonly name: string;
  readonly wanted: number;
  readonly right: number;
  readonly wrong: number;
  /** Texts with a value that was not found, and with one that is none. */
  readonly faults: readonly string[];
}

/** Looks for all classes at once in each text. A value counts as found if class and both ends are right. Returns the scores by class. */
export function scoresOf(set: readonly Labelled[]): readonly Score[] {
  const classes = new ClassSet(builtInClasses.map(({ name }) => name));
  const scores = new Map<string, { name: string; wanted: number; right: number; wrong: number; faults: string[] }>();
  const of = (name: string): { wanted: number; right: number; wrong: number; faults: string[] } => {
    const score = scores.get(name) ?? { name, wanted: 0, right: 0, wrong: 0, faults: [] };
    scores.set(name, score);
    return score;
  };
  for (const { text, values } of set) {
    const found = findIn(text, classes);
    for (const { name, start, end } of values) {
      of(name).wanted += 1;
      if (!found.some((each) => each.name === name && each.start === start && each.end === end)) {
        of(name).faults.push(`missed ${text.slice(start, end)} in: ${text}`);
      }
    }
    for (const { name, start, end } of found) {
      if (values.some((each) => each.name === name && each.start === start && each.end === end)) {
        of(name).right += 1;
      } else {
        of(name).wrong += 1;
        of(name).faults.push(`${text.slice(start, end)} in: ${text}`);
      }
    }
  }
  return [...scores.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
