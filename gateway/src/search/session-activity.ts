/** In so many parts the time of a session is divided. */
export const activityParts = 32;
/** Most targets of a session whose activity is told. */
const targetsMax = 8;

/** How a part of the time is written in which there was no record, only such as were allowed, one that was held, one that was denied or an alert. */
const levels = ['.', 'a', 'h', 'd'] as const;

/** How much a record matters: the number of a level. */
export const levelOf = { allow: 1, hold: 2, deny: 3 } as const;

/** How a target was used over the time of a session. */
export interface TargetActivity {
  readonly target: string;
  /** How many records each part of the time has. */
  readonly records: readonly number[];
  /** A character for what matters most in each part of the time: `.` no record, `a` allowed, `h` held, `d` denied or an alert. */
  readonly verdicts: string;
}

/** Counts the records of each target of a session in parts of its time. */
export class SessionActivity {
  readonly #fromMs: number;
  readonly #partMs: number;
  readonly #targets = new Map<string, { readonly records: number[]; readonly levels: number[] }>();

  constructor(fromMs: number, toMs: number) {
    this.#fromMs = fromMs;
    this.#partMs = Math.max(1, toMs - fromMs) / activityParts;
  }

  add(target: string, timeMs: number, level: number): void {
    const part = Math.min(activityParts - 1, Math.max(0, Math.floor((timeMs - this.#fromMs) / this.#partMs)));
    const known = this.#targets.get(target);
    if (known === undefined && this.#targets.size >= targetsMax) {
      return;
    }
    const lane = known ?? { records: Array.from({ length: activityParts }, () => 0), levels: Array.from({ length: activityParts }, () => 0) };
    this.#targets.set(target, lane);
    lane.records[part] = (lane.records[part] ?? 0) + 1;
    lane.levels[part] = Math.max(lane.levels[part] ?? 0, level);
  }

  /** The targets in the order of their names. */
  *ofTargets(): Generator<TargetActivity> {
    for (const [target, { records, levels: most }] of [...this.#targets].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      yield { target, records, verdicts: most.map((level) => levels[level] ?? '').join('') };
    }
  }
}
