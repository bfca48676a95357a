import { types } from './column.ts';
import { PayloadReader } from './payload.ts';

/** A value in the binary form. */
export interface BinaryValue {
  /** Its bytes, with their length if they have one. */
  readonly raw: Buffer;
  /** Its text as the text form has it: of a text its bytes. */
  readonly text: Buffer;
}

const microsecondDigits = 6;

/** Reads a value of a type in the binary form. https://mariadb.com/kb/en/resultset-row/#binary-resultset-row  Throws GatewayError `malformed`. */
export function readBinaryValue(reader: PayloadReader, type: number, isUnsigned: boolean): BinaryValue {
  switch (type) {
    case types.tiny:
      return integer(reader.bytes(1), isUnsigned);
    case types.short:
    case types.year:
      return integer(reader.bytes(2), isUnsigned);
    case types.long:
    case types.int24:
      return integer(reader.bytes(4), isUnsigned);
    case types.longLong:
      return integer(reader.bytes(8), isUnsigned);
    case types.float: {
      const raw = reader.bytes(4);
      return { raw, text: Buffer.from(String(Number(raw.readFloatLE().toPrecision(6)))) };
    }
    case types.double: {
      const raw = reader.bytes(8);
      return { raw, text: Buffer.from(String(raw.readDoubleLE())) };
    }
    case types.null:
      return { raw: Buffer.alloc(0), text: Buffer.alloc(0) };
    case types.timestamp:
    case types.date:
    case types.datetime:
      return counted(reader, (body) => dateText(body, type));
    case types.time:
      return counted(reader, timeText);
    default: {
      const text = reader.lengthEncodedBytes();
      return { raw: text, text };
    }
  }
}

/** True for a type whose values have their length before them and are as in the text form. */
export function isLengthEncoded(type: number): boolean {
  return type === types.decimal || type > types.year;
}

function integer(raw: Buffer, isUnsigned: boolean): BinaryValue {
  const padding = Buffer.alloc(8 - raw.length, !isUnsigned && ((raw.at(-1) ?? 0) & 0x80) !== 0 ? 0xff : 0);
  const wide = Buffer.concat([raw, padding]);
  return { raw, text: Buffer.from(String(isUnsigned ? wide.readBigUInt64LE() : wide.readBigInt64LE())) };
}

function counted(reader: PayloadReader, textOf: (body: Buffer) => string): BinaryValue {
  const length = reader.uint8();
  const body = reader.bytes(length);
  return { raw: Buffer.concat([Buffer.of(length), body]), text: Buffer.from(textOf(body)) };
}

function dateText(body: Buffer, type: number): string {
  const reader = new PayloadReader(Buffer.concat([body, Buffer.alloc(Math.max(0, 11 - body.length))]));
  const date = [digits(reader.uint16le(), 4), digits(reader.uint8()), digits(reader.uint8())].join('-');
  const time = [digits(reader.uint8()), digits(reader.uint8()), digits(reader.uint8())].join(':');
  return type === types.date ? date : `${date} ${time}${body.length > 7 ? `.${digits(reader.uint32le(), microsecondDigits)}` : ''}`;
}

function timeText(body: Buffer): string {
  const reader = new PayloadReader(Buffer.concat([body, Buffer.alloc(Math.max(0, 12 - body.length))]));
  const sign = reader.uint8() === 0 ? '' : '-';
  const hours = reader.uint32le() * 24 + reader.uint8();
  const time = [digits(hours), digits(reader.uint8()), digits(reader.uint8())].join(':');
  return `${sign}${time}${body.length > 8 ? `.${digits(reader.uint32le(), microsecondDigits)}` : ''}`;
}

function digits(value: number, count = 2): string {
  return String(value).padStart(count, '0');
}
