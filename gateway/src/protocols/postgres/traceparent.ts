import { readTraceparent } from '../../domain/trace-context.ts';

/** The comment is the last thing of a statement: so far back its beginning is looked for. */
const commentBytesMax = 2048;
/** White space and semicolons that may follow it. */
const trailingBytesMax = 16;
const slash = 0x2f;
const star = 0x2a;
const semicolon = 0x3b;
const space = 0x20;

/**
 * The `traceparent` in the comment that a statement ends with (https://google.github.io/sqlcommenter/spec/); null without one. What the client says of
 * itself: recorded, never trusted. A statement that does not end in a comment costs a look at its last byte.
 */
export function findTraceparent(bytes: Buffer, start: number, end: number): string | null {
  let last = end - 1;
  const lastMin = Math.max(start, end - trailingBytesMax);
  while (last > lastMin && isTrailing(bytes[last] ?? 0)) {
    last -= 1;
  }
  if (last < start + 1 || bytes[last] !== slash || bytes[last - 1] !== star) {
    return null;
  }
  const window = bytes.toString('latin1', Math.max(start, last - commentBytesMax), last - 1);
  const comment = window.slice(window.lastIndexOf('/*') + 2);
  const value = /(?:^|,)\s*traceparent='([0-9a-f-]{55})'/.exec(comment)?.[1];
  return value !== undefined && readTraceparent(value) !== null ? value : null;
}

function isTrailing(byte: number): boolean {
  return byte <= space || byte === semicolon;
}
