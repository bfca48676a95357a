import type { ChangedVerdict, Otherwise } from '../policy/candidate.ts';

/** Most groups. Further requests count in none of them, but in the number of all. */
const groupsMax = 10_000;

/** Counts the requests that a candidate decides otherwise, by principal, target, action, verdict and policies. */
export class ChangedVerdicts {
  readonly #groups = new Map<string, ChangedVerdict>();
  #requests = 0;

  /** How many requests there were. */
  get requests(): number {
    return this.#requests;
  }

  /** Adds a request, and returns its group as it is now. Null: there are too many groups. */
  add({ record, time, ...found }: Otherwise): ChangedVerdict | null {
    this.#requests += 1;
    const key = JSON.stringify(found);
    const known = this.#groups.get(key);
    if (known === undefined && this.#groups.size >= groupsMax) {
      return null;
    }
    const newest = known !== undefined && known.time > time ? { record: known.record, time: known.time } : { record, time };
    const group = { ...found, ...newest, requests: (known?.requests ?? 0) + 1 };
    this.#groups.set(key, group);
    return group;
  }

  groups(): readonly ChangedVerdict[] {
    return [...this.#groups.values()];
  }
}
