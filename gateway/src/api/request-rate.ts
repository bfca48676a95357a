import { GatewayError } from '../domain/errors.ts';
import { SlidingWindow } from '../domain/sliding-window.ts';

const windowSeconds = 60;
/** Most requests of one principal within the window. */
const requestsMax = 1200;
/** From so many principals on, those are forgotten that asked nothing within the window. */
const rememberedMax = 1000;
const msPerSecond = 1000;

/** Counts the requests of principals, so that none takes the time of all others. */
export class RequestRate {
  readonly #windows = new Map<string, SlidingWindow>();

  /** Counts a request. Throws GatewayError `throttled`, which says when the next one is answered. */
  count(principal: string, nowMs: number): void {
    const window = this.#windows.get(principal) ?? this.#begin(principal, nowMs);
    if (window.used(nowMs) >= requestsMax) {
      const retryAfterSeconds = Math.max(1, Math.ceil((window.freeMs(requestsMax) - nowMs) / msPerSecond));
      throw new GatewayError('throttled', `${principal} has asked ${requestsMax} times within a minute. Ask again in ${retryAfterSeconds} s.`, {
        retryAfterSeconds,
      });
    }
    window.add(1, nowMs);
  }

  #begin(principal: string, nowMs: number): SlidingWindow {
    if (this.#windows.size >= rememberedMax) {
      for (const [other, window] of this.#windows) {
        if (window.used(nowMs) === 0) {
          this.#windows.delete(other);
        }
      }
    }
    const window = new SlidingWindow(windowSeconds);
    this.#windows.set(principal, window);
    return window;
  }
}
