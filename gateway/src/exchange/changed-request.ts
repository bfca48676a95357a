import { GatewayError } from '../domain/errors.ts';
import type { TextChange } from '../domain/text-change.ts';
import { ChangedFrames } from '../content/changed-frames.ts';
import { framerOf } from '../content/text-framer.ts';
import { withBody } from './headers.ts';
import { joinedHeaderOf, type RequestHead } from './reading.ts';

/** A request as it is before or after its texts are changed. */
interface WholeRequest {
  readonly head: RequestHead;
  /** Null: the body is forwarded as it comes. */
  readonly body: Buffer | null;
}

/**
 * Changes the texts in the body of a request, as those of an answer are changed: of JSON, of each line, or a plain text. Throws GatewayError `unsupported` for
 * a body that is not read whole, or in which no texts can be found. An address is not changed.
 */
export function changeRequest({ head, body }: WholeRequest, changes: readonly TextChange[]): WholeRequest {
  if (body === null) {
    throw new GatewayError('unsupported', 'Policy changes texts of this request, and its body is too long, or has no announced length.');
  }
  if (body.length === 0) {
    return { head, body };
  }
  const coding = joinedHeaderOf(head.headers, 'content-encoding');
  const framer = coding === '' ? framerOf(joinedHeaderOf(head.headers, 'content-type'), { frameBytesMax: body.length, findParts: null }) : null;
  if (framer === null) {
    throw new GatewayError('unsupported', 'Policy changes texts of this request, and no texts can be found in a body of this form.');
  }
  const frames = new ChangedFrames(changes, body.length);
  const changed = Buffer.concat([...framer.push(body), ...framer.end()].flatMap((frame) => frames.push(frame)));
  return { head: { ...head, headers: withBody(head.headers, changed.length) }, body: changed };
}
