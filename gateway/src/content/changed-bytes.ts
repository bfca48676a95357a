import { isUtf8 } from 'node:buffer';
import { changeInSlices, type Slices, type TextChange } from '../domain/text-change.ts';
import { textFrame } from './text-frame.ts';

/**
 * Changes a value of a protocol, in slices: an argument, a column of a row, what a value says. One that is JSON is changed text by text. `sources` names where it comes from, as
 * `TextChange` has it. Returns the same bytes where nothing is to be changed.
 */
export function* changedBytes(bytes: Buffer, changes: readonly TextChange[], sources?: readonly string[], isDerived = false): Slices<Buffer> {
  // Bytes that are no text are read byte by byte, so that no encoding hides a text.
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  const frame = textFrame(bytes.toString(encoding), { bytes: bytes.length, wrap: (text) => Buffer.from(text, encoding), findParts: null });
  const texts: string[] = [];
  let isChanged = false;
  for (const { text, sources: members } of frame.texts) {
    // A column has one list of sources, by which what follows from it is known again.
    const all = sources === undefined || members === undefined ? (sources ?? members) : [...sources, ...members];
    const changed = yield* changeInSlices(changes, text, all, isDerived);
    isChanged ||= changed !== text;
    texts.push(changed);
  }
  return isChanged ? frame.compose(texts) : bytes;
}
