/** Strict text: bytes from a file must be UTF-8, and a decimal number has one spelling. */
import { MalformedError } from './malformed.ts';

const encoder = new TextEncoder();
// With ignoreBOM, a U+FEFF at the beginning stays in the text and is not dropped, because every byte counts.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decodes UTF-8. Throws `MalformedError` for other bytes. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new MalformedError('not UTF-8');
  }
}

/** Parses a non-negative safe integer in decimal without leading zeros. Throws `MalformedError`. */
export function parseDecimal(text: string): number {
  const value = Number(text);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(value)) {
    throw new MalformedError('not a decimal number');
  }
  return value;
}
