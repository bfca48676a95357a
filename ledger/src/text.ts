/** Strict text: what is read from a file is UTF-8 or refused, decimal numbers have one spelling. */
import { MalformedError } from './malformed.ts';

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF in the text instead of dropping it: every byte counts.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Throws `MalformedError` for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new MalformedError('not UTF-8');
  }
}

/** A non-negative safe integer in decimal without leading zeros. Throws `MalformedError`. */
export function parseDecimal(text: string): number {
  const value = Number(text);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(value)) {
    throw new MalformedError('not a decimal number');
  }
  return value;
}
