import type { AttributeValue, Attributes } from './action.ts';
import type { Obligation } from './decision.ts';
import { ownAttributes } from './own-attributes.ts';
import { SlidingWindow } from './sliding-window.ts';

/** The things that a limit can count. */
type Counted = 'requests' | 'sessions' | 'rows' | 'bytes' | 'tokens';

/** A limit as a policy states it: at most so much within the last `seconds`, by one principal at one target. */
export interface UsageLimit {
  /** The name under which it is counted. The same policy, thing and window have the same name, whatever `most` is. */
  readonly name: string;
  readonly what: Counted;
  readonly most: number;
  readonly seconds: number;
}

/** Whose use of what is counted. */
export interface User {
  readonly principal: string;
  readonly target: string;
}

/** An amount that was used, in the form in which one thread tells another. */
export interface UsedAmount extends User {
  readonly limit: Omit<UsageLimit, 'most'>;
  readonly timeMs: number;
  readonly amount: number;
}

/** Reads an obligation of the kind `limit`. Null if it is of another kind. */
export function readLimit({ kind, parameters }: Obligation): UsageLimit | null {
  if (kind !== 'limit') {
    return null;
  }
  const { what = '', most, seconds, policy = '' } = parameters;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- policy/annotations.ts accepts no other word
  return { name: `${policy} ${what} ${seconds}`, what: what as Counted, most: Number(most), seconds: Number(seconds) };
}

/** The amounts that were used, in a window for each limit, principal and target. A limit of sessions counts those of a principal at all targets together. */
export class Usage {
  readonly #windows = new Map<string, { readonly limit: Omit<UsageLimit, 'most'>; readonly user: User; readonly window: SlidingWindow }>();

  add(limit: Omit<UsageLimit, 'most'>, user: User, { amount, timeMs }: { readonly amount: number; readonly timeMs: number }): void {
    if (amount > 0) {
      this.#windowOf(limit, user).add(amount, timeMs);
    }
  }

  used(limit: UsageLimit, user: User, nowMs: number): number {
    return this.#windows.get(keyOf(limit, user))?.window.used(nowMs) ?? 0;
  }

  /** Returns the time in ms at which less than the limit will be used, if nothing is added. */
  freeMs(limit: UsageLimit, user: User): number {
    return this.#windows.get(keyOf(limit, user))?.window.freeMs(limit.most) ?? 0;
  }

  /** Forgets what is counted for limits with other names. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [key, { limit }] of this.#windows) {
      if (!names.has(limit.name)) {
        this.#windows.delete(key);
      }
    }
  }

  *amounts(): Generator<UsedAmount> {
    for (const { limit, user, window } of this.#windows.values()) {
      for (const { timeMs, amount } of window.buckets()) {
        yield { limit, ...user, timeMs, amount };
      }
    }
  }

  #windowOf(limit: Omit<UsageLimit, 'most'>, user: User): SlidingWindow {
    const key = keyOf(limit, user);
    const known = this.#windows.get(key);
    if (known !== undefined) {
      return known.window;
    }
    const window = new SlidingWindow(limit.seconds);
    const { name, what, seconds } = limit;
    this.#windows.set(key, { limit: { name, what, seconds }, user: { principal: user.principal, target: user.target }, window });
    return window;
  }
}

function keyOf({ name, what }: Pick<UsageLimit, 'name' | 'what'>, { principal, target }: User): string {
  return `${name}\0${principal}\0${what === 'sessions' ? '' : target}`;
}

/** The attributes of answers that are summed up. The tokens of a model are those of its input and those of its output. */
const rowsAttribute = 'db.response.returned_rows';
const inputTokensAttribute = 'gen_ai.usage.input_tokens';
const outputTokensAttribute = 'gen_ai.usage.output_tokens';

/** Returns how many rows and tokens a record of an answer brought. If the answer has several records, each has its own rows, and the last one has all of them too. */
export function amountsOf(attributes: Attributes): { readonly rows: number; readonly tokens: number } {
  return {
    rows: numberOf(attributes[ownAttributes.partRows] ?? attributes[rowsAttribute]),
    tokens: [inputTokensAttribute, outputTokensAttribute, ownAttributes.estimatedTokens].reduce((sum, name) => sum + numberOf(attributes[name]), 0),
  };
}

function numberOf(value: AttributeValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
