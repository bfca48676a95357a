import { MalformedError } from './malformed.ts';

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Encodes bytes in lower case, two digits for each byte. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += pairs[byte];
  }
  return text;
}

/** Decodes exactly what `encodeHex` prints for `length` bytes. Throws `MalformedError` for anything else. */
export function decodeHex(text: string, length: number): Uint8Array {
  if (text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) {
    throw new MalformedError(`not ${2 * length} lower-case hex digits`);
  }
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
