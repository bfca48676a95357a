import { decodeEscapes, decodeQuotedPrintable, decodeRuns } from './decode.ts';

/** Encodings within encodings are undone so many times. */
const depthMax = 3;
/** All readings of a text together are at most so many times as long as it is, and `unitsMin` more. Texts of clients that mean well need far less. */
const growthMax = 4;
const unitsMin = 64 * 1024;

export interface Readings {
  /** The text, and what it stands for when encodings are undone. */
  readonly texts: readonly string[];
  /** False if the text has so many encodings within one another that not all were undone. */
  readonly isWhole: boolean;
}

/**
 * Undoes the encodings that clients use: escapes of JSON, HTML and URLs, quoted-printable, base64, hex, one within another. `isCut`: the text is the end of a longer
 * one, so that it may begin within a group of base64.
 */
export function readingsOf(text: string, isCut = false): Readings {
  const texts = new Set([text]);
  let unitsLeft = text.length * growthMax + unitsMin;
  let level: readonly string[] = [text];
  for (let depth = 0; depth < depthMax && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const each of level) {
      for (const decoded of decodedOf(each, isCut && depth === 0)) {
        if (texts.has(decoded)) {
          continue;
        }
        unitsLeft -= decoded.length;
        if (unitsLeft < 0) {
          return { texts: [...texts], isWhole: false };
        }
        texts.add(decoded);
        next.push(decoded);
      }
    }
    level = next;
  }
  return { texts: [...texts], isWhole: true };
}

/** Yields what a text stands for when one encoding is undone, or escapes and the encodings in which they stood. */
function* decodedOf(text: string, isCut: boolean): Generator<string> {
  const plain = decodeEscapes(text)?.text ?? null;
  const quoted = decodeQuotedPrintable(plain ?? text)?.text ?? null;
  const runs = [...decodeRuns(text, isCut)].map(({ decoded }) => decoded.text);
  for (const each of [plain, quoted, runs.length === 0 ? null : runs.join('\n')]) {
    if (each !== null) {
      yield each;
    }
  }
}
