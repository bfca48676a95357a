import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import type { Unit } from './client-units.ts';
import { formatAt, frameHeaderBytes, frameLength, frames } from './codec.ts';
import { frontend } from './messages.ts';
import { formatValue } from './render-values.ts';
import { unescapedSql } from './sql-escapes.ts';
import { decoderOf } from './text-encoding.ts';

const binaryFormat = 1;
const numeric = 1700;
const numericHeadBytes = 8;

/**
 * Returns the bytes of a unit in which values are looked for, in UTF-8: of COPY data what they hold, without the messages that cut them; of all else the messages, and the numbers in binary format. After them is
 * what they say where escapes of SQL are undone. Null: there are too many of those.
 */
export function readableUnit(unit: Unit, encoding: string): Buffer | null {
  const bytes = Buffer.concat(unit.bytes);
  const own = unit.kind === 'copy' ? copied(bytes, unit.begunBytes) : bytes;
  const decode = decoderOf(encoding);
  const text = encoding === 'UTF8' ? own : Buffer.from(decode(own));
  const said = unit.kind === 'copy' ? { texts: [own], numbers: [] } : saidIn(bytes);
  const readings = said.texts.filter(mayEscape).map((each) => unescapedSql(decode(each)));
  if (readings.includes(null)) {
    return null;
  }
  const more = [...said.numbers, ...readings.flatMap((each) => each ?? [])];
  return more.length === 0 ? text : Buffer.concat([text, Buffer.from(`\n${more.join('\n')}`)]);
}

/** False if no escape of SQL can be in a text. In every encoding of a client these characters are bytes of their own, or parts of another one. */
function mayEscape(text: Buffer): boolean {
  return text.some((byte) => byte === 0x5c || byte === 0x27 || byte === 0x22 || byte === 0x24);
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

/** The texts of messages, and the numbers that their values in binary format may be. Types are not needed: a value that is no number is a number that nobody looks for. */
interface Said {
  readonly texts: Buffer[];
  readonly numbers: string[];
}

function saidIn(bytes: Buffer): Said {
  const said: Said = { texts: [], numbers: [] };
  for (const { type, body } of frames(bytes)) {
    try {
      readMessage(type, new ByteReader(body), said);
    } catch (error) {
      // The target refuses a message that is not as long as it says.
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
  }
  return said;
}

function readMessage(type: number, reader: ByteReader, said: Said): void {
  switch (type) {
    case frontend.parse:
      reader.cstringBytes();
      said.texts.push(reader.cstringBytes());
      break;
    case frontend.query:
      said.texts.push(reader.cstringBytes());
      break;
    case frontend.bind:
      reader.cstringBytes();
      reader.cstringBytes();
      readValues(reader, said);
      break;
    case frontend.functionCall:
      reader.uint32();
      readValues(reader, said);
      break;
    default:
      break;
  }
}

function readValues(reader: ByteReader, { texts, numbers }: Said): void {
  const formats = Array.from({ length: reader.uint16() }, () => reader.int16());
  const count = reader.uint16();
  for (let at = 0; at < count; at += 1) {
    const length = reader.int32();
    const value = length < 0 ? null : reader.bytes(length);
    if (value !== null && formatAt(formats, at) === binaryFormat) {
      numbers.push(...numbersIn(value));
    } else if (value !== null) {
      texts.push(value);
    }
  }
}

function numbersIn(value: Buffer): readonly string[] {
  if (value.length === 4) {
    return [String(value.readInt32BE(0))];
  }
  const isNumeric = value.length >= numericHeadBytes && value.length === numericHeadBytes + 2 * value.readUInt16BE(0);
  return [...(value.length === 8 ? [String(value.readBigInt64BE(0))] : []), ...(isNumeric ? [formatValue(value, numeric, binaryFormat)] : [])];
}
