import { spawnSync } from 'node:child_process';

/**
 * The options of a test that drives these programs, which `tools/debian.sh` installs. One that is missing: in CI an error, elsewhere a test that is skipped
 * and says so loudly.
 */
export function requireProgram(...programs: readonly string[]): { readonly skip?: string } {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' }).status !== 0);
  if (missing.length === 0) {
    return {};
  }
  const reason = `${missing.join(', ')} not installed: sh tools/debian.sh`;
  if (process.env['CI'] !== undefined) {
    throw new Error(reason);
  }
  console.error(`NOT TESTED: ${reason}`);
  return { skip: reason };
}

/** For a test of what not every machine allows: skipped and said loudly, and no failure in CI (`tools/test.ts` knows it by its first words). */
export function notAllowedHere(reason: string): { readonly skip: string } {
  const skip = `this machine does not allow it: ${reason}`;
  console.error(`NOT TESTED: ${skip}`);
  return { skip };
}
