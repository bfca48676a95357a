import { randomBytes } from 'node:crypto';
import { hostKeyOf } from '../host-key.ts';

/**
 * Makes an Ed25519 key in the formats of OpenSSH. The generator of ssh2 leaves out zeros at the beginning of a public key, so that nobody, itself included, can read one
 * of 256 keys that it makes.
 */
export function newKey(): { readonly private: string; readonly public: string } {
  const { secret, shown } = hostKeyOf(randomBytes(32));
  return { private: secret, public: shown };
}
