import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync, writeFile as writeFileCallback, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Without a `FileHandle`, which costs more than the write. */
const writeFile = promisify(writeFileCallback);

export interface WholeFileOptions {
  /** The mode of a new file; 0600 by default. A file that is replaced keeps its own. */
  readonly mode?: number;
  /** True: the write fails with `EEXIST` if the file exists. */
  readonly isNew?: boolean;
}

/**
 * Writes a small file on which somebody relies. The bytes are written to a temporary file beside it, synced and moved into place, and the directory is synced.
 * After any crash, loss of power or full disk the file is either the old one or the new one, whole.
 */
export function writeWholeFile(file: string, bytes: Uint8Array | string, { mode = 0o600, isNew = false }: WholeFileOptions = {}): void {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.new`;
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(fd, bytes);
      fchmodSync(fd, (isNew ? null : modeOf(file)) ?? mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (isNew) {
      linkSync(temporary, file);
    } else {
      renameSync(temporary, file);
    }
  } catch (error) {
    throw ofFile(error, temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncDirectory(dirname(file));
}

/**
 * Replaces a file as `writeWholeFile` does, but without blocking the event loop: for long content or frequent writes. Only one call at a time may write the
 * same file.
 */
export async function replaceWholeFile(file: string, content: Uint8Array | string | AsyncIterable<Uint8Array | string>): Promise<void> {
  const temporary = `${file}.new`;
  try {
    await using handle = await open(temporary, 'w', 0o600);
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw ofFile(error, temporary, file);
  }
  await rename(temporary, file);
  await using directory = await open(dirname(file), 'r');
  await directory.sync();
}

/** Puts a file that is on stable storage in the place of another in the same directory, which is synced. */
export async function moveWholeFile(from: string, to: string): Promise<void> {
  await rename(from, to);
  syncDirectory(dirname(to));
}

/**
 * Replaces a small file so that readers see the old one or the new one, whole. A loss of power may cut it short. Only one call at a time may write the same
 * file. It takes as few steps as possible, because each of them wakes a thread.
 */
export async function replaceFile(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.new`;
  try {
    await writeFile(temporary, content, { mode: 0o600 });
  } catch (error) {
    await rm(temporary, { force: true });
    throw ofFile(error, temporary, file);
  }
  await rename(temporary, file);
}

/** Makes an error of the system name the file that was meant, not the temporary file beside it, which nobody knows. */
function ofFile(error: unknown, temporary: string, file: string): unknown {
  if (error instanceof Error && 'path' in error && error.path === temporary) {
    error.message = error.message.replaceAll(temporary, file);
    error.path = file;
  }
  return error;
}

function modeOf(file: string): number | null {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? null : found.mode & 0o7777;
}

/** Syncs a directory: a new file name is on stable storage only with its directory. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
