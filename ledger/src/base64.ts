/** Canonical base64 (RFC 4648 §4): padded, with unused bits zero. No other spelling is accepted. */
import { MalformedError } from './malformed.ts';

/**
 * Bytes are converted in chunks of this length, because every JavaScript engine accepts that many arguments. To convert them one by one takes twenty times as
 * long.
 */
const chunkBytes = 8192;

export function encodeBase64(bytes: Uint8Array): string {
  let latin1 = '';
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk: string = Reflect.apply(String.fromCharCode, null, bytes.subarray(at, at + chunkBytes));
    latin1 += chunk;
  }
  return btoa(latin1);
}

/** Decodes exactly the spelling that `encodeBase64` prints. Throws `MalformedError` for any other. */
export function decodeBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new MalformedError('not base64');
  }
  const latin1 = atob(text);
  const bytes = new Uint8Array(latin1.length);
  for (let i = 0; i < latin1.length; i++) {
    bytes[i] = latin1.charCodeAt(i);
  }
  if (btoa(latin1) !== text) {
    throw new MalformedError('base64 with unused bits set');
  }
  return bytes;
}
