import { readTraceparent } from '../../domain/trace-context.ts';

/** Most bytes at the end of a statement that are searched for the beginning of its comment. */
const commentBytesMax = 2048;
/** Most bytes of white space and semicolons after the comment. */
const trailingBytesMax = 16;
const slash = 0x2f;
const star = 0x2a;
const semicolon = 0x3b;
const space = 0x20;

/**
 * Finds the `traceparent` in the comment at the end of a statement (https://google.github.io/sqlcommenter/spec/); null if there is none. It is the client's own
 * claim: it is recorded and never trusted. For a statement that does not end with a comment, only the last byte is read.
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
