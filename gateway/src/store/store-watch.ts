import { GatewayError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import type { Exclusions } from './exclusions.ts';

/** The store is asked so often whether another gateway has done something, in case nobody tells. */
const lookMs = 1_000;

export interface StoreWatchOptions {
  readonly database: Database;
  readonly exclusions: Exclusions;
  /** For so long, in ms, credentials are accepted without knowing whether another gateway has ended them. */
  readonly staleMs: number;
  /** Called when the store cannot be asked, or does not hold what it did, once until it can be asked again. */
  readonly onTrouble: (error: GatewayError) => void;
  /** Called with the fault when credentials are accepted no more, and with null when they are again. */
  readonly onFault: (fault: GatewayError | null) => void;
}

/**
 * Keeps what a gateway knows of a shared store as new as the store is, by asking each second and as soon as the store tells of a change. If it cannot be asked for
 * too long, or does not hold what it did, the gateway no longer knows whose credentials are valid.
 */
export class StoreWatch implements Disposable {
  readonly #options: StoreWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #confirmedMs = performance.now();
  #isLooking = false;
  #isToldMeanwhile = false;
  #failure: GatewayError | null = null;
  #fault: GatewayError | null = null;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** Asks once, and then again and again. To be called as soon as others are to hear of what is new; the store was read when this was made. */
  async begin(): Promise<void> {
    if (this.#options.database.isShared) {
      this.#timer = setInterval(() => {
        this.#judge();
        void this.#look();
      }, lookMs).unref();
      await this.#look();
    }
  }

  /** Throws GatewayError `store_unreachable` while it is not known whose credentials are valid. */
  requireCurrent(): void {
    if (this.#fault !== null) {
      throw this.#fault;
    }
  }

  /** The fault for which no credential is accepted; null if there is none. */
  get fault(): GatewayError | null {
    return this.#fault;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) {
      this.#isToldMeanwhile = true;
      return;
    }
    this.#isLooking = true;
    const { database, exclusions } = this.#options;
    const beganMs = performance.now();
    // Who is not told asks each second in any case.
    database
      .listen(() => {
        void this.#look();
      })
      .catch(() => undefined);
    try {
      await exclusions.takeUp();
      this.#confirmedMs = beganMs;
      this.#failure = null;
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      if (this.#failure?.code !== error.code) {
        this.#options.onTrouble(error);
      }
      this.#failure = error;
    }
    this.#isLooking = false;
    this.#judge();
    if (this.#isToldMeanwhile) {
      this.#isToldMeanwhile = false;
      void this.#look();
    }
  }

  #judge(): void {
    const { staleMs, onFault } = this.#options;
    const failure = this.#failure;
    const isWrong = failure !== null && failure.code !== 'store_unreachable';
    const isStale = performance.now() - this.#confirmedMs > staleMs;
    if ((isWrong || isStale) !== (this.#fault !== null)) {
      // Clients and everybody who asks whether the gateway is ready read this, so it does not say where the store is.
      const why = isWrong ? failure.message : 'The store that knows which are valid cannot be asked.';
      this.#fault = isWrong || isStale ? new GatewayError('store_unreachable', `No credential is accepted now. ${why}`, { cause: failure }) : null;
      onFault(this.#fault);
    }
  }
}
