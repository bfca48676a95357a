import { globSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
/** The words by which a step names its own module. A thread imports it. */
const ownModule = 'module: import.meta.url';

const filesOf = (pattern: string): readonly string[] => globSync(pattern, { cwd: root }).map((file) => join(root, file));
/** The files that are started, or imported by tests, by their name. */
const started = [
  'cli/src/main.ts',
  'cli/src/command-line.ts',
  'gateway/src/gateway.ts',
  'gateway/src/reader-thread.ts',
  'gateway/src/index-thread.ts',
  'gateway/src/archive-thread.ts',
  'gateway/src/backup/copy-thread.ts',
  'gateway/src/exchange/step-thread-main.ts',
].map((file) => join(root, file));
const steps = filesOf('gateway/src/**/*.ts').filter((file) => readFileSync(file, 'utf8').includes(ownModule));
/** The name in the folder of each file that is named by its path. */
const names = new Map([...started.map((file) => [file, basename(file)] as const), ...steps.map((file, i) => [file, `step-${i}.ts`] as const)]);

/**
 * Writes the command line with all that it imports into a folder, as few files. Tests start hundreds of processes, and Node loads few files in a third of the
 * time that it takes for many. Returns the path of the main file.
 */
export async function bundle(folder: string): Promise<string> {
  await using built = await rolldown({
    input: Object.fromEntries([...names].map(([file, name]) => [name, file])),
    platform: 'node',
    external: [/^@cedar-policy\//, /^libpg-query/, 'playwright-core', 'ssh2'],
    plugins: [
      {
        name: 'modules of steps',
        transform: (code, id) => code.replace(ownModule, `module: new URL('${names.get(id)}', import.meta.url).href`),
      },
    ],
  });
  // Two runs in one checkout write the same bytes to the same files.
  await built.write({ dir: join(folder, 'cli', 'src'), entryFileNames: '[name]', chunkFileNames: '[name]-chunk.ts', keepNames: true });
  const examples = join(folder, 'examples');
  rmSync(examples, { force: true });
  symlinkSync(join(root, 'examples'), examples);
  return join(folder, 'cli', 'src', 'main.ts');
}
