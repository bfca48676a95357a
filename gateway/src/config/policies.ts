import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../domain/errors.ts';
import { policyFileBytesMax, policyFilesMax, type PolicySource } from '../domain/policy-source.ts';
import { systemErrorWords } from '../store/system-error.ts';

const ending = '.cedar';
/** Most times that files are read again because they were not as they had been read. */
const readsMax = 16;

/** Returns the paths of the files of policies, to look whether they were changed. Empty if they cannot be listed: that is for `readPolicySources` to say. */
export function policyFiles(path: string): readonly string[] {
  try {
    return listFiles(path);
  } catch {
    return [];
  }
}

/** Returns the paths of the directory's `*.cedar` files in the order of their names, or of the one file. Throws the error of the system. */
function listFiles(path: string): readonly string[] {
  return statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith(ending) && !name.startsWith('.'))
        .toSorted()
        .map((name) => join(path, name))
    : [path];
}

/**
 * Reads the files of policies, until they are the same twice: files that are replaced meanwhile, or a link to them, never make a set of some that are old and some
 * that are new. A directory that cannot be listed is an error, and never a set without policies. Throws GatewayError `config_invalid`.
 */
export function readPolicySources(path: string): readonly PolicySource[] {
  let last = readOnce(path);
  for (let i = 0; i < readsMax; i += 1) {
    const read = readOnce(path);
    if (isDeepStrictEqual(read, last)) {
      return read;
    }
    last = read;
  }
  throw new GatewayError('config_invalid', `${shownPath(path)} changes while it is read.`);
}

function readOnce(path: string): readonly PolicySource[] {
  const files = orUnreadable(path, listFiles);
  if (files.length > policyFilesMax) {
    throw new GatewayError('config_invalid', `${path}: there are ${files.length} files of policies, at most ${policyFilesMax} are read.`);
  }
  return files.map((file) => ({ file: basename(file), path: shownPath(file), text: readText(file) }));
}

function readText(file: string): string {
  const bytes = orUnreadable(file, readRegularFile);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new GatewayError('config_invalid', `${shownPath(file)} is not UTF-8.`, { cause });
  }
}

/** Reads a file of limited length. Another kind of file might never end, or keep the gateway waiting for one who writes. */
function readRegularFile(file: string): Buffer {
  const found = statSync(file);
  if (!found.isFile()) {
    throw new GatewayError('config_invalid', `${shownPath(file)} is no regular file.`);
  }
  if (found.size > policyFileBytesMax) {
    throw new GatewayError('config_invalid', `${shownPath(file)} is longer than ${policyFileBytesMax} bytes.`);
  }
  return readFileSync(file);
}

/** Reads a file or a directory. Throws GatewayError `config_invalid` if the system does not allow it. */
function orUnreadable<Found>(path: string, read: (path: string) => Found): Found {
  try {
    return read(path);
  } catch (cause) {
    if (cause instanceof GatewayError) {
      throw cause;
    }
    throw new GatewayError('config_invalid', `${shownPath(path)} cannot be read: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
  }
}

/** Returns a path as people would type it: below the present directory without its name. */
function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') || dirname(near) === near ? file : near;
}
