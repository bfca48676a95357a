import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isAlias, isMap, isScalar, parseDocument, visit } from 'yaml';
import { defaultData } from './sections.ts';

/** The longest configuration file that is read. */
export const configBytesMax = 4 * 1024 * 1024;

/** The data directory that a file names of which nothing else need be valid, or there at all: so that the gateway is found while the file is mended. */
export function findData(file: string): string {
  let text = '';
  try {
    text = readFileSync(file, 'utf8').slice(0, configBytesMax);
  } catch {
    // Then it is where it is by default.
  }
  const { contents } = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  const named = (isMap(contents) ? contents.get('data') : undefined) ?? /^data:[ \t]+(\S+)[ \t]*$/m.exec(text)?.[1];
  return resolve(dirname(resolve(file)), typeof named === 'string' && named !== '' ? named : defaultData);
}

/** The environment variables that a file names as `{ env: VARIABLE }`, of which nothing else need be valid, or there at all: they hold secrets of the gateway. */
export function findSecretVariables(file: string): ReadonlySet<string> {
  const names = new Set<string>();
  let text = '';
  try {
    text = readFileSync(file, 'utf8').slice(0, configBytesMax);
  } catch {
    // Then it names none.
  }
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
