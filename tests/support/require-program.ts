import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Debian's own Python. Only this one has the modules that Debian packages. */
export const python = '/usr/bin/python3';

/**
 * Returns the options of a test that needs these programs, which `tools/debian.sh` installs. `python:MODULE` is a module of Debian's Python. If one is missing,
 * it is an error in CI; elsewhere the test is skipped, and the output says so.
 */
export function requireProgram(...programs: readonly string[]): { readonly skip?: string } {
  const missing = programs.filter((program) => !isHere(program));
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

/**
 * Returns the options of a test that is an extra check: it needs packages that are too big for every run. Where a program or file of them is missing the test is
 * skipped, and that is no failure in CI: `tools/test.ts` recognises it by its first words.
 */
export function extraCheck(packages: string, ...needed: readonly string[]): { readonly skip?: string } {
  const missing = needed.filter((each) => !(each.startsWith('/') ? existsSync(each) : isHere(each)));
  if (missing.length === 0) {
    return {};
  }
  const skip = `an extra check: ${missing.join(', ')} not installed: sh tools/debian.sh ${packages}`;
  console.error(`NOT TESTED: ${skip}`);
  return { skip };
}

function isHere(program: string): boolean {
  const [, module] = /^python:(.+)$/.exec(program) ?? [];
  const { status } =
    module === undefined
      ? spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' })
      : spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
  return status === 0;
}

/**
 * Returns the options of a test that needs what not every machine allows. The test is skipped, and that is no failure in CI: `tools/test.ts` recognises it by
 * its first words.
 */
export function notAllowedHere(reason: string): { readonly skip: string } {
  const skip = `this machine does not allow it: ${reason}`;
  console.error(`NOT TESTED: ${skip}`);
  return { skip };
}
