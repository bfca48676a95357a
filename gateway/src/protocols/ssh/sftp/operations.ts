import { administerEffects, anythingEffects, destroyEffects, readEffects, unknownEffects, writeEffects, type Effect } from '../../../domain/effects.ts';
import type { ActionDefinition } from '../../../domain/action.ts';
import type { ByteReader } from '../../../wire/byte-reader.ts';
import { bodyOf, readAttributes, readBytes, readHandle, readOffset, typeOf, types, type Answer, type FileAttributes } from './packets.ts';

/** The actions of SFTP, for the catalogue. */
export const sftpActions = [
  { name: 'ssh.sftp.init', title: 'Begin SFTP', isWithoutText: true },
  { name: 'ssh.sftp.open', title: 'Open a file', isWithoutText: true },
  { name: 'ssh.sftp.read', title: 'Read from a file', isWithoutText: true },
  { name: 'ssh.sftp.write', title: 'Write to a file', isWithoutText: true },
  { name: 'ssh.sftp.close', title: 'Close a file or a directory', isWithoutText: true },
  { name: 'ssh.sftp.list', title: 'List a directory', isWithoutText: true },
  { name: 'ssh.sftp.stat', title: 'Ask about a file or a file system', isWithoutText: true },
  { name: 'ssh.sftp.setstat', title: 'Change the attributes of a file: its size, owner, permissions, times', isWithoutText: true },
  { name: 'ssh.sftp.remove', title: 'Remove a file', isWithoutText: true },
  { name: 'ssh.sftp.mkdir', title: 'Make a directory', isWithoutText: true },
  { name: 'ssh.sftp.rmdir', title: 'Remove a directory', isWithoutText: true },
  { name: 'ssh.sftp.rename', title: 'Rename a file', isWithoutText: true },
  { name: 'ssh.sftp.readlink', title: 'Ask where a symbolic link leads', isWithoutText: true },
  { name: 'ssh.sftp.symlink', title: 'Make a symbolic link', isWithoutText: true },
  { name: 'ssh.sftp.hardlink', title: 'Give a file a further name', isWithoutText: true },
  { name: 'ssh.sftp.realpath', title: 'Ask which place a path names', isWithoutText: true },
  { name: 'ssh.sftp.copy', title: 'Copy from one open file to another', isWithoutText: true },
  { name: 'ssh.sftp.sync', title: 'Have a file written to its disk', isWithoutText: true },
  { name: 'ssh.sftp.extended', title: 'An operation of SFTP that is not known; refused', isWithoutText: true },
] as const satisfies readonly ActionDefinition[];

type SftpAction = (typeof sftpActions)[number]['name'];

/** An operation that a client asks for, as far as its packet says it. */
export interface Operation {
  readonly id: number;
  readonly name: SftpAction;
  readonly effects: readonly Effect[];
  /** The place that it is about, as the client names it. */
  readonly path?: Buffer;
  /** The second place: the new name, or that to which a link leads. */
  readonly otherPath?: Buffer;
  /** The handle of an open file or directory. */
  readonly handle?: string;
  /** The handle of an open file that is written to. */
  readonly otherHandle?: string;
  /** The kind of answer that is no status. Absent: there is none. */
  readonly answer?: Answer['kind'];
  /** True if the answer is a handle of what was opened. */
  readonly opens?: true;
  readonly reads?: { readonly offset: number; readonly length: number };
  readonly writes?: { readonly offset: number; readonly bytes: Buffer };
  /** True if it only asks which place a path names. */
  readonly isQuestion?: true;
  /** The name of an operation that the gateway does not know. */
  readonly strange?: string;
}

/** The flags of an open. */
const flags = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;
const flagsKnown = flags.read | flags.write | flags.append | flags.create | flags.truncate | flags.exclusive;

const readWriteEffects: readonly Effect[] = Object.freeze(['read', 'write'] as const);
const readDestroyEffects: readonly Effect[] = Object.freeze(['destroy', 'read', 'write'] as const);
/** A link gives other paths a meaning. */
const linkEffects: readonly Effect[] = Object.freeze(['define', 'write'] as const);

/** Parses a packet of a client. Throws GatewayError `malformed`. */
export function parseOperation(packet: Buffer): Operation {
  const type = typeOf(packet);
  const reader = bodyOf(packet);
  const id = reader.uint32();
  const operation = type === types.extended ? extended(id, reader) : plain(id, type, reader);
  if (operation.strange === undefined) {
    reader.finish();
  }
  return operation;
}

function plain(id: number, type: number, reader: ByteReader): Operation {
  switch (type) {
    case types.open: {
      const path = readBytes(reader);
      const wanted = reader.uint32();
      readAttributes(reader);
      return { id, name: 'ssh.sftp.open', path, effects: openEffects(wanted), answer: 'handle', opens: true };
    }
    case types.opendir:
      return { id, name: 'ssh.sftp.list', path: readBytes(reader), effects: readEffects, answer: 'handle', opens: true };
    case types.close:
      return { id, name: 'ssh.sftp.close', handle: readHandle(reader), effects: readEffects };
    case types.read: {
      const handle = readHandle(reader);
      return { id, name: 'ssh.sftp.read', handle, effects: readEffects, answer: 'data', reads: { offset: readOffset(reader), length: reader.uint32() } };
    }
    case types.write: {
      const handle = readHandle(reader);
      return { id, name: 'ssh.sftp.write', handle, effects: writeEffects, writes: { offset: readOffset(reader), bytes: readBytes(reader) } };
    }
    case types.readdir:
      return { id, name: 'ssh.sftp.list', handle: readHandle(reader), effects: readEffects, answer: 'name' };
    case types.lstat:
    case types.stat: {
      const path = readBytes(reader);
      // OpenSSH sends no flags in version 3; others do.
      reader.rest();
      return { id, name: 'ssh.sftp.stat', path, effects: readEffects, answer: 'attrs' };
    }
    case types.fstat:
      return { id, name: 'ssh.sftp.stat', handle: readHandle(reader), effects: readEffects, answer: 'attrs' };
    case types.setstat:
      return { id, name: 'ssh.sftp.setstat', path: readBytes(reader), effects: setEffects(readAttributes(reader)) };
    case types.fsetstat:
      return { id, name: 'ssh.sftp.setstat', handle: readHandle(reader), effects: setEffects(readAttributes(reader)) };
    case types.remove:
      return { id, name: 'ssh.sftp.remove', path: readBytes(reader), effects: destroyEffects };
    case types.mkdir: {
      const path = readBytes(reader);
      readAttributes(reader);
      return { id, name: 'ssh.sftp.mkdir', path, effects: writeEffects };
    }
    case types.rmdir:
      return { id, name: 'ssh.sftp.rmdir', path: readBytes(reader), effects: destroyEffects };
    case types.realpath:
      return { id, name: 'ssh.sftp.realpath', path: readBytes(reader), effects: readEffects, answer: 'name', isQuestion: true };
    case types.rename:
      return { id, name: 'ssh.sftp.rename', path: readBytes(reader), otherPath: readBytes(reader), effects: destroyEffects };
    case types.readlink:
      return { id, name: 'ssh.sftp.readlink', path: readBytes(reader), effects: readEffects, answer: 'name' };
    case types.symlink: {
      // OpenSSH has the two in another order than the draft says, and so have all that speak with it.
      const otherPath = readBytes(reader);
      return { id, name: 'ssh.sftp.symlink', path: readBytes(reader), otherPath, effects: linkEffects };
    }
    default:
      return { id, name: 'ssh.sftp.extended', effects: unknownEffects, strange: `the type ${type}` };
  }
}

/** Parses an extension of OpenSSH. https://cvsweb.openbsd.org/cgi-bin/cvsweb/src/usr.bin/ssh/PROTOCOL */
function extended(id: number, reader: ByteReader): Operation {
  const asked = readBytes(reader).toString('latin1');
  switch (asked) {
    case 'posix-rename@openssh.com':
      return { id, name: 'ssh.sftp.rename', path: readBytes(reader), otherPath: readBytes(reader), effects: destroyEffects };
    case 'hardlink@openssh.com':
      return { id, name: 'ssh.sftp.hardlink', path: readBytes(reader), otherPath: readBytes(reader), effects: linkEffects };
    case 'statvfs@openssh.com':
      return { id, name: 'ssh.sftp.stat', path: readBytes(reader), effects: readEffects, answer: 'extendedReply' };
    case 'fstatvfs@openssh.com':
      return { id, name: 'ssh.sftp.stat', handle: readHandle(reader), effects: readEffects, answer: 'extendedReply' };
    case 'fsync@openssh.com':
      return { id, name: 'ssh.sftp.sync', handle: readHandle(reader), effects: writeEffects };
    case 'lsetstat@openssh.com':
      return { id, name: 'ssh.sftp.setstat', path: readBytes(reader), effects: setEffects(readAttributes(reader)) };
    case 'limits@openssh.com':
      return { id, name: 'ssh.sftp.stat', effects: readEffects, answer: 'extendedReply' };
    case 'expand-path@openssh.com':
      return { id, name: 'ssh.sftp.realpath', path: readBytes(reader), effects: readEffects, answer: 'name', isQuestion: true };
    case 'home-directory': {
      const path = Buffer.concat([Buffer.from('~'), readBytes(reader)]);
      return { id, name: 'ssh.sftp.realpath', path, effects: readEffects, answer: 'name', isQuestion: true };
    }
    case 'users-groups-by-id@openssh.com':
      // Two lists of numbers.
      readBytes(reader);
      readBytes(reader);
      return { id, name: 'ssh.sftp.stat', effects: readEffects, answer: 'extendedReply' };
    case 'copy-data': {
      const handle = readHandle(reader);
      reader.bytes(16);
      const otherHandle = readHandle(reader);
      reader.bytes(8);
      return { id, name: 'ssh.sftp.copy', handle, otherHandle, effects: readWriteEffects };
    }
    default:
      return { id, name: 'ssh.sftp.extended', effects: unknownEffects, strange: asked.slice(0, 100) };
  }
}

function openEffects(wanted: number): readonly Effect[] {
  const reads = (wanted & flags.read) !== 0;
  if ((wanted & ~flagsKnown) !== 0) {
    return anythingEffects;
  }
  if ((wanted & flags.truncate) !== 0) {
    return reads ? readDestroyEffects : destroyEffects;
  }
  if ((wanted & (flags.write | flags.append | flags.create)) !== 0) {
    return reads ? readWriteEffects : writeEffects;
  }
  return readEffects;
}

/** Returns the effects of a change of attributes. Another size may cut off what is in the file. */
function setEffects({ hasSize, hasOwnerOrPermissions, hasExtended }: FileAttributes): readonly Effect[] {
  if (hasExtended) {
    return anythingEffects;
  }
  if (hasSize) {
    return hasOwnerOrPermissions ? [...administerEffects, ...destroyEffects] : destroyEffects;
  }
  return hasOwnerOrPermissions ? administerEffects : writeEffects;
}
