import { countOf } from '../../domain/count-of.ts';
import type { Obligation } from '../../domain/decision.ts';
import type { Target } from '../../domain/target.ts';
import { amountsOf, readLimit, Usage, type UsageLimit, type UsedAmount, type User } from '../../domain/usage.ts';
import type { Asker, Question } from '../../policy/policy.ts';
import type { Act, AnswerPart, Control, FullObjection } from '../control.ts';

/** Limits that are not ready yet: what the journal says about their windows is being read. */
export interface Unfilled {
  readonly limits: readonly UsageLimit[];
  /** Puts what was read into force. */
  readonly complete: (amounts: Iterable<UsedAmount>) => void;
}

/**
 * Carries out `limit`: denies an act when as much as its limit allows was used within the window. Acts count when they are asked, so those under way count; rows,
 * bytes and tokens count as answers are recorded, so an answer may pass its limit, and the next act is denied. A denied act does not count.
 */
export class Limits implements Control {
  readonly kind = 'limit';
  readonly #now: () => number;
  readonly #usage = new Usage();
  /** The limits of obligations that were read before: a policy gives each request the same objects. */
  readonly #read = new WeakMap<Obligation, UsageLimit>();
  /** The names of the limits for which a session is counted, by its history. */
  readonly #sessions = new WeakMap<object, Set<string>>();
  /** The names of the limits of the policies in force. */
  #names: ReadonlySet<string> = new Set();
  /** The names of those whose windows are not filled yet, each with the filling that it waits for. */
  readonly #unfilled = new Map<string, object>();

  /** `now` returns the time in ms. It must be of a clock that nobody sets; see `steadyClock`. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Takes up the limits of the policies in force. Returns those that were not in force before, or all of them if they apply to acts that did not count before
   * (`countsMore`): until they are filled, acts under them are refused.
   */
  enforce(obligations: readonly Obligation[], countsMore = false): Unfilled {
    if (countsMore) {
      this.#names = new Set();
    }
    const limits = obligations.flatMap((obligation) => readLimit(obligation) ?? []);
    const added = new Map(limits.filter(({ name }) => !this.#names.has(name)).map((limit) => [limit.name, limit]));
    this.#names = new Set(limits.map(({ name }) => name));
    // Answers to requests under a limit that is not in force count for it still, and are in the journal too.
    this.#usage.keepOnly(new Set([...this.#names].filter((name) => !added.has(name))));
    const filling = {};
    for (const name of added.keys()) {
      this.#unfilled.set(name, filling);
    }
    return {
      limits: [...added.values()],
      complete: (amounts) => {
        const isAwaited = (name: string): boolean => this.#unfilled.get(name) === filling;
        for (const { limit, principal, target, ...used } of amounts) {
          if (isAwaited(limit.name) && this.#names.has(limit.name)) {
            this.#usage.add(limit, { principal, target }, used);
          }
        }
        for (const name of [...this.#unfilled.keys()].filter(isAwaited)) {
          this.#unfilled.delete(name);
        }
      },
    };
  }

  #limitOf(obligation: Obligation): UsageLimit | null {
    const known = this.#read.get(obligation);
    const limit = known ?? readLimit(obligation);
    if (known === undefined && limit !== null) {
      this.#read.set(obligation, limit);
    }
    return limit;
  }

  isReady(obligation: Obligation): boolean {
    return this.#unfilled.size === 0 || !this.#unfilled.has(this.#limitOf(obligation)?.name ?? '');
  }

  countsActs(obligation: Obligation): boolean {
    const what = this.#limitOf(obligation)?.what;
    return what === 'requests' || what === 'sessions';
  }

  admit({ asker, target, isPart }: Act, obligation: Obligation): FullObjection | null {
    const limit = this.#limitOf(obligation);
    if (limit === null || isPart || (limit.what === 'sessions' && this.#isCounted(limit, asker, target))) {
      return null;
    }
    const nowMs = this.#now();
    const user: User = { principal: asker.principal.id, target: target.name };
    const used = this.#usage.used(limit, user, nowMs);
    if (used < limit.most) {
      return null;
    }
    const waitSeconds = Math.max(1, Math.ceil((this.#usage.freeMs(limit, user) - nowMs) / 1000));
    const shown = spanOf(waitSeconds > secondsMax ? Math.ceil(waitSeconds / 60) * 60 : waitSeconds);
    // A use leaves the window up to one sixtieth of it later than the limit says.
    const wait = waitSeconds > limit.seconds ? `about ${spanOf(limit.seconds)}` : shown;
    const most = countOf(limit.most, limit.what.slice(0, -1));
    const objection = `the limit is ${most} per ${spanOf(limit.seconds)}, and ${used} ${used === 1 ? 'is' : 'are'} used: there is room again in ${wait}`;
    return { objection, retryAfterSeconds: waitSeconds };
  }

  asked({ asker, target }: Question, obligation: Obligation): void {
    const limit = this.#limitOf(obligation);
    if (limit?.what === 'requests' || (limit?.what === 'sessions' && !this.#isCounted(limit, asker, target))) {
      this.#sessions.set(asker.history, (this.#sessions.get(asker.history) ?? new Set()).add(limit.name));
      this.#usage.add(limit, { principal: asker.principal.id, target: target.name }, { amount: 1, timeMs: this.#now() });
    }
  }

  /**
   * True if a session need not be counted, because it is, or because it acted at this target before the limit or the gateway began. What it did at other targets, to
   * which the limit may not apply, does not count.
   */
  #isCounted({ name }: UsageLimit, { history }: Asker, target: Target): boolean {
    return this.#sessions.get(history)?.has(name) === true || history.targets.has(target.name);
  }

  answered({ asker, target }: Pick<Question, 'asker' | 'target'>, obligation: Obligation, { attributes, bytes }: AnswerPart): void {
    const limit = this.#limitOf(obligation);
    if (limit?.what === 'rows' || limit?.what === 'bytes' || limit?.what === 'tokens') {
      const amount = { ...amountsOf(attributes), bytes }[limit.what];
      this.#usage.add(limit, { principal: asker.principal.id, target: target.name }, { amount, timeMs: this.#now() });
    }
  }
}

/** A longer wait is told in whole minutes. */
const secondsMax = 120;

/** Returns a clock that shows the time of the day at its start, and that then goes on evenly even if the time of the day is set. */
export function steadyClock(): () => number {
  const offsetMs = Date.now() - performance.now();
  return () => performance.now() + offsetMs;
}

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** Prints a number of seconds as in a policy: `90s`, `1h`. */
function spanOf(seconds: number): string {
  const [unit, of] = units.find(([, length]) => seconds % length === 0) ?? (['s', 1] as const);
  return `${seconds / of}${unit}`;
}
