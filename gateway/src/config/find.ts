import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isAlias, isMap, isScalar, parseDocument, visit } from 'yaml';
import { defaultData } from './sections.ts';

/** Most bytes of a configuration file that is read. */
export const configBytesMax = 4 * 1024 * 1024;

/**
 * Returns the data directory that a configuration file names. The rest of the file need not be valid, and the file may be missing, so that a running gateway is
 * found while its file is being corrected.
 */
export function findData(file: string): string {
  // Without a readable file, the data directory is at its default place.
  const text = readText(file);
  const { contents } = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  const named = (isMap(contents) ? contents.get('data') : undefined) ?? /^data:[ \t]+(\S+)[ \t]*$/m.exec(text)?.[1];
  return resolve(dirname(resolve(file)), typeof named === 'string' && named !== '' ? named : defaultData);
}

/** True if a configuration file names a store that gateways share. The rest of the file need not be valid, and the file may be missing. */
export function hasSharedStore(file: string): boolean {
  return /^["']?store["']?[ \t]*:/m.test(readText(file));
}

/**
 * Returns the environment variables that a configuration file names as `{ env: VARIABLE }`: they hold secrets of the gateway. The rest of the file need not be
 * valid, and the file may be missing.
 */
export function findSecretVariables(file: string): ReadonlySet<string> {
  const names = new Set<string>();
  const text = readText(file);
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  visit(document, {
    Pair: (_, { key, value }) => {
      const named = isAlias(value) ? value.resolve(document) : value;
      if (isScalar(key) && key.value === 'env' && isScalar(named)) {
        names.add(String(named.value));
      }
    },
  });
  // A document that is not valid YAML is searched for text that looks like the name of a variable.
  for (const [, name = ''] of document.errors.length > 0 ? text.matchAll(/\benv["']?\s*:\s*["']?([^\s"'{},]+)/g) : []) {
    names.add(name);
  }
  return names;
}

/** Reads a file; empty if it cannot be read. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, configBytesMax);
  } catch {
    return '';
  }
}
