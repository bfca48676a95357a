import { GatewayError } from '../domain/errors.ts';
import type { Slices, TextChange } from '../domain/text-change.ts';
import { ChangedFrames } from '../content/changed-frames.ts';
import { inTurns } from '../content/in-turns.ts';
import type { KnowMember, TextFrame } from '../content/text-frame.ts';
import { framerOf, type TextFramer } from '../content/text-framer.ts';
import { isSigned, withBody, withoutBody } from './headers.ts';
import { headerOf, joinedHeaderOf, type RequestHead } from './reading.ts';

/** A request as it came, or after its texts were changed. */
interface SentRequest {
  readonly head: RequestHead;
  /** Null: the body is forwarded as it comes. */
  readonly body: Buffer | null;
}

export interface ChangedRequest extends SentRequest {
  /** Changes the body that is forwarded as it comes: however it is cut into pieces, the bytes are the same. Throws as `changeRequest` does. Null: the whole body is there. */
  readonly pieces: ((body: AsyncIterable<Buffer>) => AsyncIterable<Buffer>) | null;
}

/**
 * Changes the texts in the body of a request, as those of an answer are changed: of JSON, of each event or line, of the fields of a form, or a plain text. `knowMember` says which members of JSON are of a class. `frameBytesMax` is the most
 * bytes of one frame of a body that is forwarded as it comes. A long text is changed in slices. Throws GatewayError `unsupported` for a body in which no texts can be found, and for one that is signed and would be changed. The
 * address and the headers are not changed, but for those that are not true for the changed body.
 */
export function* changeRequest(
  { head, body }: SentRequest,
  changes: readonly TextChange[],
  frameBytesMax: number,
  knowMember?: KnowMember,
): Slices<ChangedRequest> {
  if (body?.length === 0) {
    return { head, body, pieces: null };
  }
  const heldMax = body?.length ?? frameBytesMax;
  const coding = joinedHeaderOf(head.headers, 'content-encoding').trim().toLowerCase();
  // A part of a body may cut a text.
  const isPlain = (coding === '' || coding === 'identity') && headerOf(head.headers, 'content-range') === undefined;
  const framer = isPlain
    ? framerOf(joinedHeaderOf(head.headers, 'content-type'), { frameBytesMax: heldMax, findParts: null, ...(knowMember === undefined ? {} : { knowMember }) })
    : null;
  if (framer === null) {
    throw new GatewayError('unsupported', 'Policy changes texts of this request, and no texts can be found in a body of this form.');
  }
  const frames = new ChangedFrames(changes, heldMax);
  const assertUnsigned = (): void => {
    if (isSigned(head.headers)) {
      throw new GatewayError(
        'unsupported',
        'Policy changes texts of this request, and its client has signed them: send it without a signature of the message.',
      );
    }
  };
  if (body === null) {
    assertUnsigned();
    return { head: { ...head, headers: withoutBody(head.headers) }, body, pieces: (pieces) => changePieces(pieces, framer, frames) };
  }
  const changed = yield* bytesOf([...framer.push(body), ...framer.end()], frames);
  if (changed.equals(body)) {
    return { head, body, pieces: null };
  }
  assertUnsigned();
  return { head: { ...head, headers: withBody(head.headers, changed.length) }, body: changed, pieces: null };
}

async function* changePieces(pieces: AsyncIterable<Buffer>, framer: TextFramer, frames: ChangedFrames): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    const bytes = await inTurns(bytesOf(framer.push(piece), frames));
    if (bytes.length > 0) {
      yield bytes;
    }
  }
  const last = await inTurns(bytesOf(framer.end(), frames));
  if (last.length > 0) {
    yield last;
  }
}

/** In a request no text goes on in another frame, so no frame waits. */
function* bytesOf(read: readonly TextFrame[], frames: ChangedFrames): Slices<Buffer> {
  const changed: Buffer[] = [];
  for (const frame of read) {
    changed.push(...(yield* frames.pushInSlices(frame)));
  }
  return Buffer.concat(changed);
}
