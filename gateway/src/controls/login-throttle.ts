const firstDelayMs = 250;
const delayMsMax = 8000;
/** Failures are forgotten this long after the last one. */
const forgetMs = 10 * 60_000;
const addressesMax = 10_000;

interface Failures {
  count: number;
  lastMs: number;
}

/** Slows down guessing: each failed login from an address makes the next one wait longer. Bounded memory; the oldest address is forgotten first. */
export class LoginThrottle {
  readonly #now: () => number;
  readonly #failures = new Map<string, Failures>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How long a login from this address waits before it is looked at. */
  delayMs(address: string): number {
    const failures = this.#failures.get(address);
    if (failures === undefined) {
      return 0;
    }
    if (this.#now() - failures.lastMs > forgetMs) {
      this.#failures.delete(address);
      return 0;
    }
    return Math.min(delayMsMax, firstDelayMs * 2 ** (failures.count - 1));
  }

  failed(address: string): void {
    const count = (this.#failures.get(address)?.count ?? 0) + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count: Math.min(count, 32), lastMs: this.#now() });
    if (this.#failures.size > addressesMax) {
      const [oldest] = this.#failures.keys();
      this.#failures.delete(oldest ?? '');
    }
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}
