import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const secretBytes = 32;
/** Length of a wrapped secret. Every key except the signing key is a secret of 32 bytes. */
export const wrappedSecretBytes = nonceBytes + secretBytes + tagBytes;

/** Wraps a key under another key, as `nonce ‖ ciphertext ‖ tag`. `purpose` says what the key is for and whose it is; it is authenticated, so wrapped keys cannot be swapped. */
export function wrapKey(under: KeyObject, purpose: string, key: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, under, nonce);
  cipher.setAAD(Buffer.from(purpose));
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
}

/** Unwraps a key. Throws GatewayError `key_unavailable` if it was wrapped under another key or for another purpose, or was changed. */
export function unwrapBytes(under: KeyObject, purpose: string, wrapped: Uint8Array): Buffer {
  try {
    const decipher = createDecipheriv(algorithm, under, wrapped.subarray(0, nonceBytes));
    decipher.setAAD(Buffer.from(purpose));
    decipher.setAuthTag(wrapped.subarray(wrapped.length - tagBytes));
    const key = decipher.update(wrapped.subarray(nonceBytes, wrapped.length - tagBytes));
    // It adds nothing, and throws if the tag is another one.
    decipher.final();
    return key;
  } catch (cause) {
    throw new GatewayError('key_unavailable', `The key "${purpose}" cannot be unwrapped: the root key is another one, or the key store was changed.`, {
      cause,
    });
  }
}

export function unwrapKey(under: KeyObject, purpose: string, wrapped: Uint8Array): KeyObject {
  const bytes = unwrapBytes(under, purpose, wrapped);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
