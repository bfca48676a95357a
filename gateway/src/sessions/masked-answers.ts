import type { Attributes } from '../domain/action.ts';
import type { MaskReport } from '../domain/masked.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Seen } from '../domain/seen.ts';
import type { TextChange } from '../domain/text-change.ts';

/** Most requests whose answers have begun and are remembered. */
const begunMax = 1024;
/** Most changes that are remembered of one request: each message of a client over WebSocket brings its own for the answers that follow. */
const changesMax = 64;

interface MaskedAnswer {
  readonly changes: readonly TextChange[];
  /** The look at it, and at which classes. Null: nobody looks at it. */
  readonly looked: LookedClasses | null;
  /** True if the answers before it are over once it begins. */
  readonly isInOrder: boolean;
  hasBegun: boolean;
}

interface LookedClasses {
  readonly look: TextChange;
  readonly classes: readonly string[];
}

/** The attributes of records by which they tell of masked values. */
export interface MaskedFacts {
  /** The attributes of the answer's record: which classes, and how many values of each. */
  readonly summary: Attributes;
  /** The attributes of the record beside it: the first of the values, each as class, method, keyed digest and place. */
  readonly values: Attributes;
  /** The ids of the policies that mask. */
  readonly policies: readonly string[];
}

/** Tells the record of an answer of the values in it. */
export interface AnswerReport {
  /** Null: no value was masked. */
  readonly masked: MaskedFacts | null;
  readonly seen: readonly Seen[];
}

/** The masks of a channel's answers, and what looks at them, for the records of these answers. */
export class MaskedAnswers {
  /** By request, in the order in which they were used last. */
  readonly #answers = new Map<number, MaskedAnswer>();

  /** Returns the look at the answer to a request, which is one for all messages that belong to it. `make` makes it, and again if other classes are looked for from now on. */
  lookAt(request: number, { classes, isInOrder }: { readonly classes: readonly string[]; readonly isInOrder: boolean }, make: () => TextChange): TextChange {
    const known = this.#answers.get(request);
    const { changes = [], looked = null, hasBegun = false } = known ?? {};
    if (looked !== null && looked.classes.join() === classes.join()) {
      return looked.look;
    }
    const look = make();
    this.#set(request, {
      changes: looked === null ? changes : [...changes, looked.look],
      looked: { look, classes },
      isInOrder: known?.isInOrder ?? isInOrder,
      hasBegun,
    });
    return look;
  }

  /** Adds the changes for the answer to a request, or to a message that belongs to it. */
  add(request: number, changes: readonly TextChange[], isInOrder: boolean): void {
    const telling = changes.filter(({ report }) => report !== undefined);
    if (telling.length === 0) {
      return;
    }
    const answer = this.#answers.get(request);
    const { changes: known = [], looked = null } = answer ?? {};
    const all = known.length === 0 ? telling : [...new Set([...known, ...telling])].slice(-changesMax);
    this.#set(request, { changes: all, looked, isInOrder: answer?.isInOrder ?? isInOrder, hasBegun: false });
  }

  /** Forgets the answer to a request, because it is over. Returns what was seen in it since the last report. */
  over(request: number): AnswerReport | null {
    const report = this.#answers.has(request) ? this.report(request) : null;
    this.#answers.delete(request);
    return report;
  }

  /** Forgets all answers. Yields what was seen in each since its last report. */
  *end(): Generator<readonly [request: number, report: AnswerReport]> {
    for (const request of this.#answers.keys()) {
      const report = this.over(request);
      if (report !== null) {
        yield [request, report];
      }
    }
  }

  /** Yields what would be seen in each answer if no more of it came. */
  *peek(): Generator<readonly [request: number, seen: Seen]> {
    for (const [request, answer] of this.#answers) {
      for (const { look } of looksOf(answer)) {
        const seen = look?.peek() ?? null;
        if (seen !== null) {
          yield [request, seen];
        }
      }
    }
  }

  #set(request: number, answer: MaskedAnswer): void {
    this.#answers.set(request, answer);
    if (this.#answers.size > begunMax) {
      this.#forgetBegun();
    }
  }

  #forgetBegun(): void {
    for (const [request, { hasBegun }] of this.#answers) {
      if (hasBegun) {
        this.#answers.delete(request);
        return;
      }
    }
  }

  /** Forgets the answers that are over because another one begins. */
  #forgetInOrder(): void {
    for (const [request, { isInOrder, hasBegun }] of this.#answers) {
      if (isInOrder && hasBegun) {
        this.#answers.delete(request);
      }
    }
  }

  /**
   * Returns what was masked and seen in the answer to a request since the last call; null if nothing was. An answer that names no request has the changes of any of them, so that of all is told.
   */
  report(request: number | undefined): AnswerReport | null {
    if (this.#answers.size === 0) {
      return null;
    }
    const asked = request === undefined ? undefined : this.#answers.get(request);
    if (request !== undefined) {
      if (asked === undefined) {
        return null;
      }
      if (asked.isInOrder && !asked.hasBegun && this.#answers.size > 1) {
        this.#forgetInOrder();
      }
      asked.hasBegun = true;
      if (this.#answers.size > 1) {
        this.#answers.delete(request);
        this.#answers.set(request, asked);
      }
    }
    const answers = asked === undefined ? [...this.#answers.values()] : [asked];
    // Nearly all records have nothing to tell.
    const reports = answers.flatMap(({ changes }) => reportsOf(changes));
    const seen = answers.flatMap((each) => looksOf(each).flatMap(({ look }) => look?.seen() ?? []));
    return reports.length + seen.length === 0 ? null : { masked: factsOf(reports), seen };
  }
}

/** Returns the looks at an answer, among its changes. */
function looksOf({ changes, looked }: MaskedAnswer): readonly TextChange[] {
  return looked === null ? changes : [...changes, looked.look];
}

/** Returns the attributes of a record that tell of values that were masked and seen. */
export function reportAttributes({ masked, seen }: AnswerReport): Attributes {
  const classes = new Set([...[masked?.summary[ownAttributes.classes] ?? []].flat(), ...seen.flatMap((each) => each.classes)].map(String));
  return {
    ...masked?.summary,
    ...(classes.size === 0 ? {} : { [ownAttributes.classes]: [...classes].toSorted() }),
    ...(seen.every(({ isInspected }) => isInspected) ? {} : { [ownAttributes.inspected]: false }),
  };
}

/** Returns what these changes masked since they were asked last; null if nothing. */
export function reportOf(changes: readonly TextChange[]): MaskedFacts | null {
  return factsOf(reportsOf(changes));
}

function reportsOf(changes: readonly TextChange[]): readonly MaskReport[] {
  return changes.flatMap((change) => change.report?.() ?? []);
}

function factsOf(reports: readonly MaskReport[]): MaskedFacts | null {
  if (reports.length === 0) {
    return null;
  }
  const counts = new Map<string, number>();
  for (const [name, count] of reports.flatMap((report) => [...report.counts])) {
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const names = [...counts.keys()].toSorted();
  return {
    summary: { [ownAttributes.classes]: names, [ownAttributes.masked]: names.map((name) => `${name}=${counts.get(name)}`) },
    values: {
      [ownAttributes.maskedValues]: reports
        .flatMap(({ values }) => values)
        .map(({ name, method, digest, place }) => [name, method, digest, ...(place === null ? [] : [place])].join(' ')),
    },
    policies: [...new Set(reports.flatMap(({ policies }) => policies))],
  };
}
