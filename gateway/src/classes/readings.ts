import { decodeEscapes, decodeQuotedPrintable, decodeRuns } from './decode.ts';

/** Encodings within encodings are undone so many times. */
const depthMax = 3;

/** Yields a text, and what it stands for when the encodings are undone that clients use: escapes of JSON, HTML and URLs, quoted-printable, base64, hex, one within another. */
export function* readingsOf(text: string, depth = 0): Generator<string> {
  yield text;
  if (depth === depthMax) {
    return;
  }
  for (const decoded of [decodeEscapes(text), decodeQuotedPrintable(text)]) {
    if (decoded !== null) {
      yield* readingsOf(decoded.text, depth + 1);
    }
  }
  for (const { decoded } of decodeRuns(text, false)) {
    yield* readingsOf(decoded.text, depth + 1);
  }
}
