import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import type { Unit } from './client-units.ts';
import { formatAt, frameHeaderBytes, frameLength, frames } from './codec.ts';
import { frontend } from './messages.ts';
import { formatValue } from './render-values.ts';
import { decoderOf } from './text-encoding.ts';

const binaryFormat = 1;
const numeric = 1700;
const numericHeadBytes = 8;

/** Returns the bytes of a unit in which values are looked for, in UTF-8: of COPY data what they hold, without the messages that cut them; of all else the messages, and the numbers in binary format. */
export function readableUnit(unit: Unit, encoding: string): Buffer {
  const bytes = Buffer.concat(unit.bytes);
  const own = unit.kind === 'copy' ? copied(bytes, unit.begunBytes) : bytes;
  const text = encoding === 'UTF8' ? own : Buffer.from(decoderOf(encoding)(own));
  const numbers = unit.kind === 'execute' || unit.kind === 'prepare' || unit.kind === 'call' ? binaryNumbers(bytes) : [];
  return numbers.length === 0 ? text : Buffer.concat([text, Buffer.from(`\n${numbers.join('\n')}`)]);
}

/** Returns what the messages of COPY data hold. `begun`: so many bytes belong to a message of an earlier unit. */
function copied(bytes: Buffer, begun: number): Buffer {
  const data = [bytes.subarray(0, begun)];
  for (let at = begun; at + frameHeaderBytes <= bytes.length;) {
    const end = at + frameLength(bytes, at, Infinity);
    if (bytes[at] === frontend.copyData) {
      data.push(bytes.subarray(at + frameHeaderBytes, end));
    }
    at = end;
  }
  return Buffer.concat(data);
}

/** Returns the numbers that values in binary format may be. Their types are not needed: a value that is no number is a number that nobody looks for. */
function binaryNumbers(bytes: Buffer): readonly string[] {
  return [...frames(bytes)].flatMap(({ type, body }) => {
    try {
      return type === frontend.bind || type === frontend.functionCall ? numbersOf(type, new ByteReader(body)) : [];
    } catch (error) {
      // The target refuses a message that is not as long as it says.
      if (error instanceof GatewayError) {
        return [];
      }
      throw error;
    }
  });
}

function numbersOf(type: number, reader: ByteReader): readonly string[] {
  if (type === frontend.bind) {
    reader.cstringBytes();
    reader.cstringBytes();
  } else {
    reader.uint32();
  }
  const formats = Array.from({ length: reader.uint16() }, () => reader.int16());
  const numbers: string[] = [];
  const count = reader.uint16();
  for (let at = 0; at < count; at += 1) {
    const length = reader.int32();
    const value = length < 0 ? null : reader.bytes(length);
    if (value !== null && formatAt(formats, at) === binaryFormat) {
      numbers.push(...numbersIn(value));
    }
  }
  return numbers;
}

function numbersIn(value: Buffer): readonly string[] {
  if (value.length === 4) {
    return [String(value.readInt32BE(0))];
  }
  const isNumeric = value.length >= numericHeadBytes && value.length === numericHeadBytes + 2 * value.readUInt16BE(0);
  return [...(value.length === 8 ? [String(value.readBigInt64BE(0))] : []), ...(isNumeric ? [formatValue(value, numeric, binaryFormat)] : [])];
}
