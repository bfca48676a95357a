const firstDelayMs = 250;
const delayMsMax = 8000;
/** Failures are forgotten this long after the last one. */
const forgetMs = 10 * 60_000;
const addressesMax = 10_000;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/**
 * Slows down guessing: the answer to each failed login from an address is held back longer than the one before. Who has a good credential
 * never waits for who has not. Bounded memory; the address that failed longest ago is forgotten first.
 */
export class LoginThrottle {
  readonly #now: () => number;
  readonly #failures = new Map<string, Failures>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a failed login. Returns how long to hold back its answer. */
  failed(address: string): number {
    const before = this.#failures.get(address);
    const lastMs = this.#now();
    const count = before === undefined || lastMs - before.lastMs > forgetMs ? 1 : before.count + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, lastMs });
    if (this.#failures.size > addressesMax) {
      const [oldest = address] = this.#failures.keys();
      this.#failures.delete(oldest);
    }
    return Math.min(delayMsMax, firstDelayMs * 2 ** (count - 1));
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}
