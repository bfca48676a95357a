import { setTimeout as delay } from 'node:timers/promises';
import { networkOf } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';

const firstDelayMs = 250;
const delayMsMax = 8000;
/** Failures are forgotten this long after the last one. */
const forgetMs = 10 * 60_000;
const networksMax = 10_000;
/** Most answers that are held back at the same time, for one network and in all. */
const heldPerNetworkMax = 64;
const heldMax = 4_096;

interface Failures {
  count: number;
  lastMs: number;
  held: number;
}

/**
 * Slows down guessing. The answer to a failed login is held back for a while, and for longer after each further failure from the same network. A login with a
 * good credential does not come here, so it never waits for others; nor does it make the next guess cheaper. Memory is bounded: the network whose last failure
 * is oldest is forgotten first.
 */
export class LoginThrottle {
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<unknown>;
  readonly #failures = new Map<string, Failures>();
  #held = 0;

  constructor(now: () => number, wait: (ms: number) => Promise<unknown> = delay) {
    this.#now = now;
    this.#wait = wait;
  }

  /** Counts a failed login, and resolves when it may be recorded and answered. Rejects at once with GatewayError `throttled` if too many answers are held back already. */
  async failed(address: string): Promise<void> {
    const failures = this.#count(networkOf(address));
    if (failures.held >= heldPerNetworkMax || this.#held >= heldMax) {
      throw new GatewayError('throttled', 'Too many logins from this address failed: wait, and correct the credential.');
    }
    failures.held += 1;
    this.#held += 1;
    try {
      await this.#wait(Math.min(delayMsMax, firstDelayMs * 2 ** (failures.count - 1)));
    } finally {
      failures.held -= 1;
      this.#held -= 1;
    }
  }

  #count(network: string): Failures {
    const nowMs = this.#now();
    const failures = this.#failures.get(network) ?? { count: 0, lastMs: nowMs, held: 0 };
    failures.count = nowMs - failures.lastMs > forgetMs ? 1 : failures.count + 1;
    failures.lastMs = nowMs;
    this.#failures.delete(network);
    this.#failures.set(network, failures);
    if (this.#failures.size > networksMax) {
      const [oldest = network] = this.#failures.keys();
      this.#failures.delete(oldest);
    }
    return failures;
  }
}
