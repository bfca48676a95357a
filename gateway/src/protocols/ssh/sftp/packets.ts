import { GatewayError } from '../../../domain/errors.ts';
import { ByteReader } from '../../../wire/byte-reader.ts';
import { ByteWriter } from '../../../wire/byte-writer.ts';

/** The version of SFTP that the gateway speaks. https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02 */
export const version = 3;

/** The types of the packets. */
export const types = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** The codes of a status that the gateway gives itself. */
export const codes = { ok: 0, endOfFile: 1, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

/** The names of the codes of a status, as attributes have them. */
const codeNames = ['ok', 'end_of_file', 'no_such_file', 'permission_denied', 'failure', 'bad_message', 'no_connection', 'connection_lost', 'unsupported'];

/** The id by which the gateway asks where relative paths begin. The client has no open operation then. */
export const homeId = 0;

/** Most bytes of a packet, as OpenSSH has it. */
export const packetBytesMax = 256 * 1024 + 1024;
const handleBytesMax = 256;
const lengthBytes = 4;
const typeBytes = 1;
const idBytes = 4;

/** The flags of attributes, each of which says that a field is there. */
const fields = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x8000_0000 } as const;

/** The kinds of attributes of a file. */
export interface FileAttributes {
  readonly hasSize: boolean;
  readonly hasOwnerOrPermissions: boolean;
  readonly hasExtended: boolean;
}

/** An answer of the target. */
export type Answer =
  | { readonly kind: 'status'; readonly id: number; readonly code: number; readonly words: string; readonly language: string }
  | { readonly kind: 'handle'; readonly id: number; readonly handle: string }
  | { readonly kind: 'data'; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: 'name'; readonly id: number; readonly names: readonly FileName[] }
  | { readonly kind: 'attrs'; readonly id: number; readonly attributes: FileAttributes }
  | { readonly kind: 'extendedReply'; readonly id: number; readonly body: Buffer };

/** A name in a directory, with the line that `ls -l` would show. */
interface FileName {
  readonly name: Buffer;
  readonly line: Buffer;
}

/** Returns the name of a code of a status. */
export function codeName(code: number): string {
  return codeNames[code] ?? `status_${code}`;
}

/** Returns a reader of a packet that stands behind its length and its type. */
export function bodyOf(packet: Buffer): ByteReader {
  return new ByteReader(packet, lengthBytes + typeBytes);
}

/** Returns the type of a packet. Throws GatewayError `malformed` if it is empty. */
export function typeOf(packet: Buffer): number {
  return new ByteReader(packet, lengthBytes).uint8();
}

/** Returns the same packet with another id. */
export function withId(packet: Buffer, id: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt32BE(id, lengthBytes + typeBytes);
  return copy;
}

/** Returns what a packet says behind its id. */
export function withoutId(packet: Buffer): Buffer {
  return packet.subarray(lengthBytes + typeBytes + idBytes);
}

/** Reads the version that the other side speaks. Throws GatewayError `malformed` if the packet says something else. */
export function parseVersion(packet: Buffer, type: typeof types.init | typeof types.version): number {
  if (typeOf(packet) !== type) {
    throw new GatewayError('malformed', 'SFTP does not begin with its version.');
  }
  return bodyOf(packet).uint32();
}

/** Parses an answer of a target. Throws GatewayError `malformed`. */
export function parseAnswer(packet: Buffer): Answer {
  const type = typeOf(packet);
  const reader = bodyOf(packet);
  const id = reader.uint32();
  switch (type) {
    case types.status: {
      const code = reader.uint32();
      // Older servers give no words.
      const [words, language] = reader.left === 0 ? ['', ''] : [readBytes(reader).toString(), reader.left === 0 ? '' : readBytes(reader).toString()];
      return { kind: 'status', id, code, words, language };
    }
    case types.handle:
      return { kind: 'handle', id, handle: readHandle(reader) };
    case types.data:
      return { kind: 'data', id, bytes: readBytes(reader) };
    case types.name: {
      const names: FileName[] = [];
      for (let left = reader.uint32(); left > 0; left -= 1) {
        names.push({ name: readBytes(reader), line: readBytes(reader) });
        readAttributes(reader);
      }
      return { kind: 'name', id, names };
    }
    case types.attrs:
      return { kind: 'attrs', id, attributes: readAttributes(reader) };
    case types.extendedReply:
      return { kind: 'extendedReply', id, body: reader.rest() };
    default:
      throw new GatewayError('malformed', `A target of SFTP answers with a packet of the type ${type}.`);
  }
}

/** Reads a string of bytes with its length before it. */
export function readBytes(reader: ByteReader): Buffer {
  return reader.bytes(reader.uint32());
}

/** Reads a handle, as a text that is the same for the same bytes. Throws GatewayError `malformed` for one that is too long. */
export function readHandle(reader: ByteReader): string {
  const handle = readBytes(reader);
  if (handle.length > handleBytesMax) {
    throw new GatewayError('malformed', `A handle of SFTP has ${handle.length} bytes, and at most ${handleBytesMax} are allowed.`);
  }
  return handle.toString('hex');
}

/** Reads a place in a file. Throws GatewayError `malformed` for one that no file reaches. */
export function readOffset(reader: ByteReader): number {
  const offset = reader.uint32() * 2 ** 32 + reader.uint32();
  if (offset > Number.MAX_SAFE_INTEGER) {
    throw new GatewayError('malformed', 'A place in a file is further than any file reaches.');
  }
  return offset;
}

/** Reads the attributes of a file, to their end. */
export function readAttributes(reader: ByteReader): FileAttributes {
  const flags = reader.uint32();
  const has = (field: number): boolean => (flags & field) !== 0;
  reader.bytes((has(fields.size) ? 8 : 0) + (has(fields.owner) ? 8 : 0) + (has(fields.permissions) ? 4 : 0) + (has(fields.times) ? 8 : 0));
  if (has(fields.extended)) {
    for (let left = reader.uint32(); left > 0; left -= 1) {
      readBytes(reader);
      readBytes(reader);
    }
  }
  return { hasSize: has(fields.size), hasOwnerOrPermissions: has(fields.owner) || has(fields.permissions), hasExtended: has(fields.extended) };
}

/** Returns a packet of this type. */
function packetOf(type: number, write: (writer: ByteWriter) => ByteWriter): Buffer {
  const writer = new ByteWriter().int32(0).uint8(type);
  write(writer);
  return writer.patchInt32(0, writer.length - lengthBytes).finish();
}

/** Writes a number of 32 bits without a sign. */
function uint32(writer: ByteWriter, value: number): ByteWriter {
  return writer.int32(value | 0);
}

function string(writer: ByteWriter, value: string | Uint8Array): ByteWriter {
  const bytes = Buffer.from(value);
  return writer.int32(bytes.length).bytes(bytes);
}

export function status(id: number, code: number, words: string, language = 'en'): Buffer {
  return packetOf(types.status, (writer) => string(string(uint32(uint32(writer, id), code), words), language));
}

/** Returns the first packet of a client, without extensions. */
export const init: Buffer = packetOf(types.init, (writer) => writer.int32(version));

export function realpath(id: number, path: string): Buffer {
  return packetOf(types.realpath, (writer) => string(uint32(writer, id), path));
}

/** Returns the answer to `realpath`. */
export function onlyName(id: number, path: string): Buffer {
  return packetOf(types.name, (writer) => string(string(uint32(writer, id).int32(1), path), path).int32(0));
}
