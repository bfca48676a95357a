import type { Operations, Schemas } from '../../api/schema.ts';

type Line = Operations['POST /api/v1/policy/try']['line'];

/** The findings of a trial so far. */
export interface Trial {
  /** The groups of requests by what they have in common. */
  readonly groups: ReadonlyMap<string, Schemas['ChangedVerdict']>;
  readonly progress: Schemas['TrialProgress'] | null;
}

export const noTrial: Trial = { groups: new Map(), progress: null };

/** Takes in further lines. A later line of a group takes the place of the earlier one. */
export function withLines({ groups, progress }: Trial, lines: readonly Line[]): Trial {
  const grown = new Map(groups);
  let last = progress;
  for (const line of lines) {
    if ('changed' in line) {
      const { principal, target, action, was, would, policies, reason } = line.changed;
      grown.set(JSON.stringify([principal, target, action, was, would, policies, reason]), line.changed);
    } else {
      last = line.progress;
    }
  }
  return { groups: grown, progress: last };
}

/** Returns the groups, the largest first. */
export function largestFirst({ groups }: Trial): readonly Schemas['ChangedVerdict'][] {
  return [...groups.values()].toSorted((a, b) => b.requests - a.requests);
}
