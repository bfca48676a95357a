import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { PolicySource } from '../domain/policy-source.ts';
import { systemErrorWords } from '../store/system-error.ts';

const ending = '.cedar';
const filesMax = 200;
const bytesMax = 1024 * 1024;

/** Returns the paths of the files of policies: of the directory's `*.cedar` files in the order of their names, or the one file. Empty if there is none. */
export function policyFiles(path: string): readonly string[] {
  try {
    return statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => name.endsWith(ending) && !name.startsWith('.'))
          .toSorted()
          .map((name) => join(path, name))
      : [path];
  } catch {
    return [];
  }
}

/** Reads the files of policies. Throws GatewayError `config_invalid`. */
export function readPolicySources(path: string): readonly PolicySource[] {
  const files = policyFiles(path);
  if (files.length > filesMax) {
    throw new GatewayError('config_invalid', `${path}: there are ${files.length} files of policies, at most ${filesMax} are read.`);
  }
  return files.map((file) => ({ file: basename(file), path: shownPath(file), text: readText(file) }));
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new GatewayError('config_invalid', `${shownPath(file)} cannot be read: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
  }
  if (bytes.length > bytesMax) {
    throw new GatewayError('config_invalid', `${shownPath(file)} is longer than ${bytesMax} bytes.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new GatewayError('config_invalid', `${shownPath(file)} is not UTF-8.`, { cause });
  }
}

/** Returns a path as people would type it: below the present directory without its name. */
function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') || dirname(near) === near ? file : near;
}
