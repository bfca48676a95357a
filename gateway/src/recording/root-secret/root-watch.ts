import { GatewayError } from '../../domain/errors.ts';
import { LocalProvider } from './local-provider.ts';
import type { RootProvider } from './provider.ts';

/** The provider is asked this often, or five times in `staleMs` if that is more often. */
const checkMs = 60_000;

interface WatchParts {
  readonly provider: RootProvider;
  /** Returns the root secret as it is wrapped now. */
  readonly wrapped: () => Uint8Array | null;
  readonly staleMs: number;
  /** Called when the provider does not answer or refuses, once until it does again. */
  readonly onTrouble: (error: GatewayError) => void;
  /** Called with the fault when no new session is opened any more, and with null when they are again. */
  readonly onFault: (fault: GatewayError | null) => void;
}

/**
 * Asks the provider again and again whether it still unwraps the root secret. Whoever takes the key from a gateway means to stop it: after `staleMs` no new
 * session is opened. What is open goes on, because its keys are in memory, and so does the proof. A key on this machine is not watched.
 */
export class RootWatch implements Disposable {
  readonly #parts: WatchParts;
  readonly #timer: NodeJS.Timeout | undefined;
  #confirmedMs = performance.now();
  #isAsking = false;
  #isFailing = false;
  #fault: GatewayError | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    if (!(parts.provider instanceof LocalProvider)) {
      this.#timer = setInterval(() => void this.#check(), Math.min(checkMs, parts.staleMs / 5)).unref();
    }
  }

  /** The fault for which no session is opened; null if there is none. */
  get fault(): GatewayError | null {
    return this.#fault;
  }

  /** Throws GatewayError `key_unavailable` while no session is to be opened. */
  requireOpenable(): void {
    if (this.#fault !== null) {
      throw this.#fault;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    const wrapped = this.#parts.wrapped();
    if (this.#isAsking || wrapped === null) {
      this.#judge();
      return;
    }
    this.#isAsking = true;
    const beganMs = performance.now();
    try {
      (await this.#parts.provider.unwrap(wrapped)).fill(0);
      this.#confirmedMs = beganMs;
      this.#isFailing = false;
    } catch (error) {
      const failure = error instanceof GatewayError ? error : new GatewayError('key_unavailable', 'The root key could not be asked for.', { cause: error });
      if (!this.#isFailing) {
        this.#parts.onTrouble(failure);
      }
      this.#isFailing = true;
    } finally {
      this.#isAsking = false;
    }
    this.#judge();
  }

  #judge(): void {
    const isStale = performance.now() - this.#confirmedMs > this.#parts.staleMs;
    if (isStale !== (this.#fault !== null)) {
      // Clients and everybody who asks whether the gateway is ready read this, so it does not say where the key is.
      this.#fault = isStale ? new GatewayError('key_unavailable', 'No new session is opened now: the root key is not given to the gateway any more.') : null;
      this.#parts.onFault(this.#fault);
    }
  }
}
