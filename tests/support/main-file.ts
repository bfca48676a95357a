import { dirname, join } from 'node:path';

const bundled = process.env['COUNTERSIGN_TEST_MAIN'];

/** The main file of the command line. `npm test` bundles it once, because Node loads few files in a third of the time that it takes for many. */
export const mainFile = bundled ?? join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');

/** Imports a module of the bundle (tools/bundle.ts) by its name, for the threads that it starts load as few files; from its source if nothing is bundled. Its classes are others than those that a test imports. */
export async function importBundled<Module>(name: string, source: () => Promise<Module>): Promise<Module> {
  return bundled === undefined ? source() : import(join(dirname(bundled), `${name}.ts`));
}
