import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';

/** Reads the payload of a packet, whose integers are little-endian. https://mariadb.com/kb/en/protocol-data-types/ */
export class PayloadReader extends ByteReader {
  uint16le(): number {
    return this.bytes(2).readUInt16LE();
  }

  uint24le(): number {
    return this.bytes(3).readUIntLE(0, 3);
  }

  uint32le(): number {
    return this.bytes(4).readUInt32LE();
  }

  /** Reads an integer whose first byte says how long it is. Throws GatewayError `malformed` for what is none, and for more than 2^53. */
  lengthEncoded(): number {
    const first = this.uint8();
    switch (first) {
      case 0xfb:
      case 0xff:
        throw new GatewayError('malformed', 'A packet has no number where one must be.');
      case 0xfc:
        return this.uint16le();
      case 0xfd:
        return this.uint24le();
      case 0xfe: {
        const value = this.bytes(8).readBigUInt64LE();
        if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
          throw new GatewayError('malformed', 'A number in a packet is too large.');
        }
        return Number(value);
      }
      default:
        return first;
    }
  }

  /** Returns the bytes behind their length. */
  lengthEncodedBytes(): Buffer {
    return this.bytes(this.lengthEncoded());
  }

  /** Returns the bytes of a value of a row in the text form; null for NULL. */
  textValue(): Buffer | null {
    if (this.left > 0 && this.peek() === 0xfb) {
      this.uint8();
      return null;
    }
    return this.lengthEncodedBytes();
  }
}

/** Writes an integer whose first byte says how long it is. */
export function lengthEncoded(value: number): Buffer {
  if (value < 0xfb) {
    return Buffer.of(value);
  }
  if (value < 0x1_00_00) {
    const bytes = Buffer.of(0xfc, 0, 0);
    bytes.writeUInt16LE(value, 1);
    return bytes;
  }
  if (value < 0x1_00_00_00) {
    const bytes = Buffer.of(0xfd, 0, 0, 0);
    bytes.writeUIntLE(value, 1, 3);
    return bytes;
  }
  const bytes = Buffer.of(0xfe, 0, 0, 0, 0, 0, 0, 0, 0);
  bytes.writeBigUInt64LE(BigInt(value), 1);
  return bytes;
}

/** Writes bytes with their length before them. */
export function lengthEncodedBytes(bytes: Uint8Array): Buffer {
  return Buffer.concat([lengthEncoded(bytes.length), bytes]);
}
