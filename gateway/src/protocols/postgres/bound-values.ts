import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { formatAt, frames } from './codec.ts';
import type { Bound } from './compose.ts';
import { ownTypesMax } from './guard/sent-text.ts';
import { frontend } from './messages.ts';

const noTypes = Buffer.alloc(2);

/**
 * Returns the types and values of the parameters of a unit with one Bind, to bind them once more. If the unit has no Parse (`isParsed`), the types are not known here and
 * the target finds them again: then all values must be texts. Null if they cannot be bound again without any effect, and if a message is not whole.
 */
export function boundIn(bytes: Buffer, isParsed: boolean): Bound | null {
  let types: Buffer | null = isParsed ? null : noTypes;
  try {
    for (const { type, body } of frames(bytes)) {
      if (type === frontend.parse) {
        types = ownTypes(body);
      } else if (type === frontend.bind) {
        const values = valuesIn(body, isParsed);
        return types === null || values === null ? null : { types, values };
      }
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
  return null;
}

/** Returns the types of a Parse message; null if one is not PostgreSQL's own. */
function ownTypes(body: Buffer): Buffer | null {
  const reader = new ByteReader(body);
  reader.cstringBytes();
  reader.cstringBytes();
  const start = body.length - reader.left;
  for (let left = reader.uint16(); left > 0; left -= 1) {
    if (reader.uint32() >= ownTypesMax) {
      return null;
    }
  }
  return body.subarray(start, body.length - reader.left);
}

/** Returns the formats and values of a Bind message; null if some are not texts and all have to be. */
function valuesIn(body: Buffer, isAnyFormat: boolean): Buffer | null {
  const reader = new ByteReader(body);
  reader.cstringBytes();
  reader.cstringBytes();
  const start = body.length - reader.left;
  const formats = Array.from({ length: reader.uint16() }, () => reader.int16());
  const count = reader.uint16();
  for (let at = 0; at < count; at += 1) {
    reader.bytes(Math.max(0, reader.int32()));
    if (!isAnyFormat && formatAt(formats, at) !== 0) {
      return null;
    }
  }
  return body.subarray(start, body.length - reader.left);
}
