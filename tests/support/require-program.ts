import { spawnSync } from 'node:child_process';

/** The options of a test that drives these programs. One that is missing: in CI an error, elsewhere a test that is skipped and says so loudly. */
export function requireProgram(...programs: readonly string[]): { readonly skip?: string } {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' }).status !== 0);
  return missing.length === 0 ? {} : refuse(`${missing.join(', ')} not installed: sh tools/debian.sh`);
}

/** For a test that this machine cannot run. */
export function refuse(reason: string): { readonly skip: string } {
  if (process.env['CI'] !== undefined) {
    throw new Error(`This machine cannot run the test: ${reason}`);
  }
  console.error(`NOT TESTED: ${reason}`);
  return { skip: reason };
}
