import type { LoginThrottle } from './login-throttle.ts';
import type { Attributes } from '../domain/action.ts';
import { networkOf } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Recorder } from '../recording/recorder.ts';
import { appendOwnDecision, recordOwnDecision, type OwnDecision } from './own-decision.ts';

const windowMs = 60_000;
/** Most refusals of one network that have a record of their own in a window of time. */
const recordedMax = 20;
/** Most networks that are counted separately in a window of time. All others are counted together. */
const networksMax = 1_000;
const otherNetworks = 'others';

/** A client that is refused, and the reason. */
export interface Refusal extends Pick<OwnDecision, 'policies' | 'policyVersion'> {
  readonly address: string;
  readonly protocol: string;
  /** Who it is, where its credential says so. */
  readonly principal?: string;
  readonly error: GatewayError;
  /** True if the client presented no credential. This is no guess: a client that uses Basic first asks which credential is wanted. */
  readonly isQuestion?: boolean;
  readonly attributes?: Attributes;
}

/** The refusals of one network in the present window of time. */
interface Window {
  recorded: number;
  /** The number of refusals without a record of their own. */
  counted: number;
  firstMs: number;
  lastMs: number;
  readonly codes: Map<string, number>;
}

export interface RefusalsOptions {
  readonly recorder: Recorder;
  readonly throttle: LoginThrottle;
  readonly now: () => number;
  readonly windowMs?: number;
}

/**
 * Records and slows down refused logins. They cost the client time, and the gateway little. The first refusals of a network in a window of time have records of
 * their own. One record counts the rest when the window ends or the gateway stops; if the gateway is killed before, only the first ones are recorded.
 */
export class Refusals implements Disposable {
  readonly #options: RefusalsOptions;
  readonly #windows = new Map<string, Window>();
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** The number of refusals since the start, by error code. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /**
   * Rejects with the error once the client may be told. A failed credential is slowed down first. Also rejects with GatewayError `throttled` or
   * `cannot_record`.
   */
  async refuse(refusal: Refusal): Promise<never> {
    const error = refusal.error.code === 'unauthenticated' && refusal.isQuestion !== true ? await this.#slowDown(refusal) : refusal.error;
    await this.record({ ...refusal, error });
    throw error;
  }

  /** Records or counts a refusal. Resolves when that is done. Rejects with GatewayError `cannot_record`. */
  async record({ address, protocol, principal, error, attributes = {}, isQuestion: _isQuestion, ...ruling }: Refusal): Promise<void> {
    this.#counts.set(error.code, (this.#counts.get(error.code) ?? 0) + 1);
    const window = this.#windowOf(address);
    if (window.recorded < recordedMax) {
      window.recorded += 1;
      await recordOwnDecision(this.#options.recorder, {
        action: 'gateway.authenticate',
        verdict: 'deny',
        reason: `${error.code}: ${error.message}`,
        ...ruling,
        attributes: {
          'client.address': address,
          [ownAttributes.protocol]: protocol,
          ...(principal === undefined ? {} : { 'user.id': principal }),
          ...attributes,
        },
      });
      return;
    }
    window.lastMs = this.#options.now();
    window.firstMs = window.counted === 0 ? window.lastMs : window.firstMs;
    window.counted += 1;
    window.codes.set(error.code, (window.codes.get(error.code) ?? 0) + 1);
  }

  [Symbol.dispose](): void {
    this.#closeWindows();
  }

  async #slowDown({ address, error }: Refusal): Promise<GatewayError> {
    try {
      await this.#options.throttle.failed(address);
      return error;
    } catch (throttled) {
      if (throttled instanceof GatewayError) {
        return throttled;
      }
      throw throttled;
    }
  }

  #windowOf(address: string): Window {
    const network = networkOf(address);
    const key = this.#windows.has(network) || this.#windows.size < networksMax ? network : otherNetworks;
    const known = this.#windows.get(key);
    if (known !== undefined) {
      return known;
    }
    const window = { recorded: 0, counted: 0, firstMs: 0, lastMs: 0, codes: new Map() };
    this.#windows.set(key, window);
    this.#timer ??= setTimeout(() => {
      this.#closeWindows();
    }, this.#options.windowMs ?? windowMs).unref();
    return window;
  }

  #closeWindows(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    const counted = [...this.#windows].filter(([, window]) => window.counted > 0);
    this.#windows.clear();
    try {
      for (const [network, window] of counted) {
        this.#recordCount(network, window);
      }
    } catch (error) {
      // The refusal cannot be recorded, and then nobody is admitted either.
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
  }

  #recordCount(network: string, { counted, firstMs, lastMs, codes }: Window): void {
    appendOwnDecision(this.#options.recorder, {
      action: 'gateway.authenticate',
      verdict: 'deny',
      reason: `${counted} more refused, from ${new Date(firstMs).toISOString()} to ${new Date(lastMs).toISOString()}`,
      attributes: {
        'client.address': network,
        [ownAttributes.count]: counted,
        [ownAttributes.firstTime]: new Date(firstMs).toISOString(),
        [ownAttributes.lastTime]: new Date(lastMs).toISOString(),
        [ownAttributes.reasons]: Array.from(codes, ([code, count]) => `${code}: ${count}`),
      },
    });
  }
}
