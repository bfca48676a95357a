import { encodeHex, encodeUtf8, sha256 } from '@countersign/ledger/format';

/** Returns the SHA-256 digest of a text or of bytes, hexadecimal. No other hash is asked for. */
export function hash(_algorithm: 'sha256', data: string | Uint8Array): string {
  return encodeHex(sha256(typeof data === 'string' ? encodeUtf8(data) : data));
}

/** Fills bytes with random ones, at most 65,536. */
export function randomFillSync(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(bytes);
}
