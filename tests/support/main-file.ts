import { join } from 'node:path';

/** The main file of the command line. `npm test` bundles it once, because Node loads few files in a third of the time that it takes for many. */
export const mainFile = process.env['COUNTERSIGN_TEST_MAIN'] ?? join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');
