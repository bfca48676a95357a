/** Vectors that others made lie beside the repository (`../shared/vectors`); they are never copied into it. */
import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';

const directory = new URL('../../../../shared/vectors/', import.meta.url);

/** Skips the test, loudly, where the vectors are not there. */
export function vectorsMissing(context: TestContext): boolean {
  if (existsSync(directory)) {
    return false;
  }
  const reason = `this machine does not allow it: there are no test vectors in ${directory.pathname}`;
  console.error(`NOT TESTED: ${reason}`);
  context.skip(reason);
  return true;
}

export function readVector(path: string): Buffer {
  return readFileSync(new URL(path, directory));
}

/** One object a line. */
export function readVectorLines(path: string): Record<string, unknown>[] {
  const lines = readVector(path).toString().split('\n');
  return lines.filter((line) => line !== '').map((line): Record<string, unknown> => JSON.parse(line));
}
