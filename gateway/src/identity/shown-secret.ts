import { strict as assert } from 'node:assert';
import { timingSafeEqual } from 'node:crypto';
import { hashToken } from './token-format.ts';

/** Fewer characters are no secret. */
const secretCharsMin = 32;

/** A secret that others must show. It is never empty or short, and what is shown is compared in constant time. Holds its hash alone. */
export class ShownSecret {
  readonly #hash: Buffer;

  constructor(secret: string) {
    assert(secret.length >= secretCharsMin, 'a secret is long');
    this.#hash = hashToken(secret);
  }

  matches(shown: string): boolean {
    return shown.length >= secretCharsMin && timingSafeEqual(hashToken(shown), this.#hash);
  }
}
