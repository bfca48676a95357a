import { createRequire } from 'node:module';

export type CedarLibrary = typeof import('@cedar-policy/cedar-wasm/nodejs');

/**
 * Loads an instance of Cedar of its own. What it keeps (policies, schemas) belongs to this instance, and is freed with it. An instance that threw an exception
 * is of no more use: load another one. Takes about 50 ms.
 */
export function loadCedar(): CedarLibrary {
  const require = createRequire(import.meta.url);
  const file = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  delete require.cache[file];
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is the module whose type is named
    return require(file) as CedarLibrary;
  } finally {
    delete require.cache[file];
  }
}
