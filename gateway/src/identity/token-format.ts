import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const prefix = 'cs_';
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const tokenSecretBytes = 32;
/** Number of base 62 digits of 32 bytes, padded with zeros. */
const secretDigits = 43;
const checksumDigits = 6;
const shape = new RegExp(`^${prefix}[0-9A-Za-z]{${secretDigits + checksumDigits}}$`);

/** Formats a token: `cs_`, the secret in base 62, and a CRC-32 that distinguishes a typing error from an unknown token. */
export function formatToken(secret: Uint8Array): string {
  const digits = base62(BigInt(`0x${Buffer.from(secret).toString('hex')}`), secretDigits);
  return prefix + digits + checksum(digits);
}

/** True if the text has the form of a token and the right checksum. */
export function isToken(text: string): boolean {
  if (!shape.test(text)) {
    return false;
  }
  const digits = text.slice(prefix.length, prefix.length + secretDigits);
  return checksum(digits) === text.slice(prefix.length + secretDigits);
}

/** The SHA-256 of a token in hex, which is stored in its place. A token holds 256 random bits, so a plain hash cannot be reversed by guessing. */
export function hashToken(token: string): string {
  return hash('sha256', token);
}

/** True if the text has the form of a token's hash in hex. The hash names a token to somebody who must not know the token itself. */
export function isTokenHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Each request with a token is checked, so this computes with numbers: with big integers it takes ten times as long. */
function checksum(digits: string): string {
  let rest = crc32(digits);
  let text = '';
  for (let i = 0; i < checksumDigits; i++) {
    text = (alphabet[rest % 62] ?? '') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function base62(value: bigint, length: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < length; i++) {
    text = (alphabet[Number(rest % 62n)] ?? '') + text;
    rest /= 62n;
  }
  return text;
}
