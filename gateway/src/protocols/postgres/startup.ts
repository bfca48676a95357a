import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { Unanswered } from './failures.ts';
import { startupCode, type StartupPacket } from './messages.ts';

/** PostgreSQL's own MAX_STARTUP_PACKET_LENGTH. */
export const startupBytesMax = 10_000;
const cancelKeyBytesMax = 4 + 256;

/** Returns the declared length of the first packet, after checking it; `incomplete` while its four bytes are not all there. */
export function decodeStartupLength(bytes: Buffer): number | 'incomplete' {
  if (bytes.length < 4) {
    return 'incomplete';
  }
  const length = bytes.readUInt32BE(0);
  if (length < 8 || length > startupBytesMax) {
    throw new Unanswered('malformed', 'This is not a PostgreSQL client: the length of its first packet is impossible.');
  }
  return length;
}

/** Parses one whole packet. https://www.postgresql.org/docs/current/protocol-message-formats.html */
export function parseStartupPacket(packet: Buffer): StartupPacket {
  const reader = new ByteReader(packet);
  reader.int32();
  const code = reader.uint32();
  if (code === startupCode.ssl || code === startupCode.gssEncryption) {
    reader.finish();
    return { kind: code === startupCode.ssl ? 'ssl' : 'gss-encryption' };
  }
  if (code === startupCode.cancel) {
    if (reader.left < 5 || reader.left > cancelKeyBytesMax) {
      throw new Unanswered('malformed', 'A cancel request has a key of impossible length.');
    }
    return { kind: 'cancel', key: reader.rest() };
  }
  const major = code >>> 16;
  if (major !== 3) {
    throw new GatewayError('unsupported', `Protocol version ${major}.${code & 0xffff} is not spoken here: 3.0 and 3.2 are.`);
  }
  return { kind: 'startup', major, minor: code & 0xffff, parameters: parseParameters(reader) };
}

function parseParameters(reader: ByteReader): Map<string, string> {
  const parameters = new Map<string, string>();
  for (;;) {
    const name = reader.cstring();
    if (name === '') {
      reader.finish();
      return parameters;
    }
    // If a parameter occurs twice, one reader would use the first value and another the last, so it is refused.
    if (parameters.has(name)) {
      throw new GatewayError('malformed', 'A startup parameter is given twice.');
    }
    parameters.set(name, reader.cstring());
  }
}
