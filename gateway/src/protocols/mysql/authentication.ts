import { constants, createHash, privateDecrypt, publicEncrypt, type KeyObject } from 'node:crypto';
import { signWithPassword } from './ed25519.ts';

/** The ways of logging in that the gateway has. https://mariadb.com/kb/en/authentication-plugins/ */
export const plugins = {
  native: 'mysql_native_password',
  sha2: 'caching_sha2_password',
  ed25519: 'client_ed25519',
  clear: 'mysql_clear_password',
} as const;

/** The length of the key with which clients encrypt a token, and of what they encrypt with it. */
export const keyBits = 2048;
export const encryptedBytes = keyBits / 8;

/** The words of `caching_sha2_password`: the client asks for a key, and the server knows the password or asks for it. */
export const sha2 = { askKey: 0x02, isKnown: 0x03, askPassword: 0x04 } as const;

/** Answers the challenge of `mysql_native_password`. An empty password has an empty answer. */
export function answerNative(password: Buffer, challenge: Buffer): Buffer {
  if (password.length === 0) {
    return Buffer.alloc(0);
  }
  const stage1 = hash('sha1', password);
  return xor(stage1, hash('sha1', challenge, hash('sha1', stage1)));
}

/** Answers the challenge of `caching_sha2_password`, for a server that has the password in its cache. */
export function answerSha2(password: Buffer, challenge: Buffer): Buffer {
  if (password.length === 0) {
    return Buffer.alloc(0);
  }
  const stage1 = hash('sha256', password);
  return xor(stage1, hash('sha256', hash('sha256', stage1), challenge));
}

/** Answers the challenge of `client_ed25519`. */
export function answerEd25519(password: Buffer, challenge: Buffer): Buffer {
  return signWithPassword(password, challenge);
}

/** Encrypts a password for the key of a server. */
export function encryptPassword(password: Buffer, challenge: Buffer, key: KeyObject): Buffer {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, xor(withZero(password), challenge));
}

/** Decrypts a password that a client has encrypted. Null: it was not encrypted for this key. */
export function decryptPassword(encrypted: Buffer, challenge: Buffer, key: KeyObject): Buffer | null {
  try {
    return withoutZero(xor(privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, encrypted), challenge));
  } catch {
    return null;
  }
}

/** Returns a password with the zero byte that ends it. */
export function withZero(password: Buffer): Buffer {
  return Buffer.concat([password, Buffer.of(0)]);
}

/** Returns a password without the zero byte that may end it. */
export function withoutZero(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes;
}

function hash(algorithm: 'sha1' | 'sha256', ...parts: readonly Buffer[]): Buffer {
  const digest = createHash(algorithm);
  parts.forEach((part) => digest.update(part));
  return digest.digest();
}

function xor(bytes: Buffer, other: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ (other[at % other.length] ?? 0)));
}
