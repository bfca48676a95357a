import { strict as assert } from 'node:assert';
import { timingSafeEqual } from 'node:crypto';
import { faultOfShownSecret, secretCharsMin } from '../domain/shown-secret.ts';
import { hashToken } from './token-format.ts';

/** A secret that somebody else must present. Only its hash is held, and what is presented is compared in constant time. An empty or short secret is refused. */
export class ShownSecret {
  readonly #hash: Buffer;

  constructor(secret: string) {
    assert(faultOfShownSecret(secret) === null, 'a secret is long');
    this.#hash = hashed(secret);
  }

  matches(shown: string): boolean {
    return shown.length >= secretCharsMin && timingSafeEqual(hashed(shown), this.#hash);
  }
}

function hashed(secret: string): Buffer {
  return Buffer.from(hashToken(secret), 'hex');
}
