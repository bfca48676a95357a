import { statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';

/** Besides the segment that is written: what is opened at a start, by name, and what that name must still stand for. */
const names = ['.', 'journal', 'log', 'keys.db', 'identity.db', 'gateway.lock'];

/**
 * Whether the files that a gateway has open are those that its data directory names. Whoever removes or replaces a store under a running gateway leaves it writing
 * into files that nobody finds again.
 */
export class OwnFiles {
  readonly #data: string;
  readonly #seen = new Map<string, BigIntStats>();

  constructor(data: string) {
    this.#data = data;
  }

  /** A file that is seen for the first time must be there from then on. Errors: `store_damaged` with what is gone or another one. */
  check(): void {
    for (const name of names) {
      const path = join(this.#data, name);
      const seen = this.#seen.get(name);
      const now = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (seen !== undefined) {
        requireSame(path, seen, now);
      } else if (now !== undefined) {
        this.#seen.set(name, now);
      }
    }
  }
}

/** Errors: `store_damaged`. */
export function requireSame(path: string, opened: BigIntStats, now: BigIntStats | undefined): void {
  if (now?.dev !== opened.dev || now.ino !== opened.ino) {
    throw new GatewayError('store_damaged', `${path} ${now === undefined ? 'is gone' : 'was replaced'} while the gateway ran.`);
  }
}
