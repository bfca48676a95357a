import type { MediaPart } from './messages.ts';

/** Texts that may be of bytes: base64, in either alphabet, also behind the head of a `data:` URL. */
const base64 = /^(?:data:[^,]{0,200},)?([A-Za-z0-9+/_-]+={0,2})$/;

/**
 * Finds the bytes of a picture in the body of the request or the answer that carries it, whatever the form of its API: a text in JSON, or in a line of events,
 * whose bytes have the digest that was recorded. Null if there is none.
 */
export async function mediaBytes(body: string, { size, sha256 }: Pick<MediaPart, 'size' | 'sha256'>): Promise<Uint8Array<ArrayBuffer> | null> {
  for (const text of textsIn(body)) {
    // A third more characters than bytes, and up to two for filling.
    const [, digits = ''] = Math.abs(text.length - (size * 4) / 3) < 256 ? (base64.exec(text) ?? []) : [];
    const bytes = digits === '' ? null : decoded(digits);
    if (bytes?.length === size && (await digestOf(bytes)) === sha256) {
      return bytes;
    }
  }
  return null;
}

/** Yields all texts in a body of JSON, or of events with JSON. */
function* textsIn(body: string): Generator<string> {
  const left = jsonIn(body);
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'string') {
      yield value;
    } else if (typeof value === 'object' && value !== null) {
      for (const each of Object.values(value)) {
        left.push(each);
      }
    }
  }
}

function jsonIn(body: string): unknown[] {
  const whole = parsed(body);
  return whole.length > 0 ? whole : body.split('\n').flatMap((line) => parsed(line.replace(/^data:/, '')));
}

function parsed(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}

function decoded(digits: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(digits.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
