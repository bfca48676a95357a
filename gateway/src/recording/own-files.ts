import { statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';

/** Files and directories, besides the current segment, that a start opens by name. The names must still stand for them. */
const names = ['.', 'journal', 'log', 'keys.db', 'identity.db', 'gateway.lock'];

/**
 * Checks that the files that a gateway has open are those that its data directory names. If somebody removes or replaces the store of a running gateway, the
 * gateway would write into files that nobody can find again.
 */
export class OwnFiles {
  readonly #data: string;
  readonly #seen = new Map<string, BigIntStats>();

  constructor(data: string) {
    this.#data = data;
  }

  /** Checks all files. Once a file was seen, it must stay. Throws GatewayError `store_damaged`, which names what is missing or was replaced. */
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

/** Throws GatewayError `store_damaged` unless both are the same file. */
export function requireSame(path: string, opened: BigIntStats, now: BigIntStats | undefined): void {
  if (now?.dev !== opened.dev || now.ino !== opened.ino) {
    throw new GatewayError('store_damaged', `${path} ${now === undefined ? 'is gone' : 'was replaced'} while the gateway ran.`);
  }
}
