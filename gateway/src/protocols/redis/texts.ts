import { changedBytes } from '../../content/changed-bytes.ts';
import type { Slices, TextChange } from '../../domain/text-change.ts';
import { bulk, line } from './compose.ts';
import type { ReplyPiece } from './reply-reader.ts';

/** The beginning of a verbatim string, which says what it is: `txt:`. */
const verbatimBytes = 4;

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
