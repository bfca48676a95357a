import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';

/** The bytes with which COPY data in the binary format begin. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 */
const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const flagBytes = 4;

/** True if COPY data that begin with this message are in the binary format. */
export function beginsBinary(data: Buffer): boolean {
  return data.subarray(0, signature.length).equals(signature);
}

/** Returns the values of a row of COPY data in the binary format, which PostgreSQL sends in a message of its own; none for the end. Throws GatewayError `malformed`. */
export function binaryRow(data: Buffer): readonly (Buffer | null)[] {
  const reader = new ByteReader(data);
  if (beginsBinary(data)) {
    reader.bytes(signature.length + flagBytes);
    reader.bytes(reader.int32());
  }
  const count = reader.left === 0 ? -1 : reader.int16();
  const values = Array.from({ length: Math.max(count, 0) }, () => {
    const length = reader.int32();
    return length < 0 ? null : reader.bytes(length);
  });
  if (reader.left > 0) {
    throw new GatewayError('malformed', 'A row of COPY data is longer than its columns.');
  }
  return values;
}
