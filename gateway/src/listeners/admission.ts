import type { Limits } from '../domain/limits.ts';

interface Count {
  connections: number;
  logins: number;
}

/** A connection's place among those that are let in. Each call counts once. */
export interface Place {
  loggedIn(): void;
  leave(): void;
}

/** Counts who is connected, and who has yet to log in, by address. */
export class Admission {
  readonly #limits: Limits;
  readonly #counts = new Map<string, Count>();
  #connections = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Null when a limit is reached. */
  enter(address: string): Place | null {
    const { connectionsMax, connectionsPerAddressMax, loginsPerAddressMax } = this.#limits;
    const count = this.#counts.get(address) ?? { connections: 0, logins: 0 };
    if (this.#connections >= connectionsMax || count.connections >= connectionsPerAddressMax || count.logins >= loginsPerAddressMax) {
      return null;
    }
    this.#counts.set(address, count);
    this.#connections += 1;
    count.connections += 1;
    count.logins += 1;
    let isLoggingIn = true;
    let isHere = true;
    const loggedIn = (): void => {
      count.logins -= isLoggingIn ? 1 : 0;
      isLoggingIn = false;
    };
    const leave = (): void => {
      if (!isHere) {
        return;
      }
      isHere = false;
      loggedIn();
      this.#connections -= 1;
      count.connections -= 1;
      if (count.connections === 0) {
        this.#counts.delete(address);
      }
    };
    return { loggedIn, leave };
  }
}
