import { GatewayError } from '../../domain/errors.ts';

/** Most bytes of a line: of a length, of an inline command, of a simple string. */
export const lineBytesMax = 64 * 1024;
const carriageReturn = 0x0d;

/** Returns a line without its end, which must be CRLF. Throws GatewayError `malformed`. */
export function lineBody(line: Buffer): Buffer {
  if (line.at(-2) !== carriageReturn) {
    throw new GatewayError('malformed', "A line of Redis's protocol does not end with CRLF.");
  }
  return line.subarray(0, -2);
}

/** Reads a number that stands behind the type in a line. It has one form only. Throws GatewayError `malformed`. */
export function readLength(line: Buffer, max: number): number {
  const written = lineBody(line).toString('latin1', 1);
  const length = /^(?:0|[1-9]\d{0,9})$/.test(written) ? Number(written) : Infinity;
  if (length > max) {
    throw new GatewayError('malformed', `A length or a count of Redis's protocol is ${JSON.stringify(written.slice(0, 20))}, and at most ${max} is possible.`);
  }
  return length;
}
