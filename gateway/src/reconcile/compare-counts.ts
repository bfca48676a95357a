import type { Counts, RecordedCounts } from '../domain/counting.ts';

/** A count of a target that is not what the record says. */
export interface Difference {
  readonly name: string;
  /** How often the target says that it was done since the reading before. */
  readonly counted: number;
  /** How often it was recorded, and how often more it may have been done: it failed, or had no answer yet. */
  readonly recorded: number;
  readonly maybe: number;
}

export interface Comparison {
  readonly counted: number;
  readonly recorded: number;
  readonly maybe: number;
  /** Number of recorded acts of which it is not known under which name they are counted. */
  readonly unnamed: number;
  /** The greatest first. Empty: it agrees. */
  readonly differences: readonly Difference[];
}

/** Returns how often each was counted between two readings. Null: the counts began anew, or some were forgotten. */
export function countedSince(before: Counts, now: Counts): Counts | null {
  const since = new Map<string, number>();
  for (const [name, count] of now) {
    const more = count - (before.get(name) ?? 0);
    if (more < 0) {
      return null;
    }
    if (more > 0) {
      since.set(name, more);
    }
  }
  return [...before.keys()].every((name) => now.has(name)) ? since : null;
}

/**
 * Compares what a target has counted with what is recorded. What may have been done explains a difference up to its number, and so do acts without a name: as many as there are
 * may be missing in all names together.
 */
export function compareCounts(counted: Counts, { sure, maybe, unnamed }: Omit<RecordedCounts, 'pending'>): Comparison {
  const differences: Difference[] = [];
  let left = unnamed;
  for (const name of new Set([...counted.keys(), ...sure.keys()])) {
    const [here, certain, possible] = [counted, sure, maybe].map((counts) => counts.get(name) ?? 0);
    const more = (here ?? 0) - (certain ?? 0) - (possible ?? 0);
    const explained = Math.min(left, Math.max(0, more));
    left -= explained;
    if (more > explained || (here ?? 0) < (certain ?? 0)) {
      differences.push({ name, counted: here ?? 0, recorded: certain ?? 0, maybe: possible ?? 0 });
    }
  }
  const weight = ({ counted: here, recorded }: Difference): number => Math.abs(here - recorded);
  return {
    counted: sum(counted),
    recorded: sum(sure),
    maybe: sum(maybe),
    unnamed,
    differences: differences.toSorted((a, b) => weight(b) - weight(a)),
  };
}

function sum(counts: Counts): number {
  return [...counts.values()].reduce((all, count) => all + count, 0);
}
