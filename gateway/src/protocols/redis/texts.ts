import { isUtf8 } from 'node:buffer';
import { textFrame, type TextFrame } from '../../content/text-frame.ts';
import { changeInSlices, type Slices, type TextChange } from '../../domain/text-change.ts';
import { bulk, line } from './compose.ts';
import type { ReplyPiece } from './reply-reader.ts';

/** The beginning of a verbatim string, which says what it is: `txt:`. */
const verbatimBytes = 4;

/** Changes an argument, or what a value says, in slices. One that is JSON is changed text by text. Returns the same bytes where nothing is to be changed. */
export function* changedBytes(bytes: Buffer, changes: readonly TextChange[]): Slices<Buffer> {
  // Bytes that are no text are read byte by byte, so that no encoding hides a text.
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  const frame: TextFrame = textFrame(bytes.toString(encoding), { bytes: bytes.length, wrap: (text) => Buffer.from(text, encoding), findParts: null });
  const texts: string[] = [];
  let isChanged = false;
  for (const { text, sources } of frame.texts) {
    const changed = yield* changeInSlices(changes, text, sources);
    isChanged ||= changed !== text;
    texts.push(changed);
  }
  return isChanged ? frame.compose(texts) : bytes;
}

/** Changes the text of a piece of a reply. A number of which the text is another is sent as a string. */
export function* changedPiece({ type, bytes, text }: ReplyPiece, changes: readonly TextChange[]): Slices<Buffer> {
  if (text === null) {
    return bytes;
  }
  const head = type === '=' ? text.subarray(0, verbatimBytes) : Buffer.alloc(0);
  const said = text.subarray(head.length);
  const changed = yield* changedBytes(said, changes);
  if (changed === said) {
    return bytes;
  }
  switch (type) {
    case '-':
      return line('-', changed.toString());
    case '=':
    case '!':
      return bulk(Buffer.concat([head, changed]), type);
    default:
      return bulk(changed);
  }
}
