import { readFileSync } from 'node:fs';
import { describeFailure } from './failure.ts';

/** Reads the file of the option `--identity`. Throws an Error that says what it should be. */
export function readIdentity(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`--identity ${describeFailure(cause)}. It is a file as age-keygen writes it.`, { cause });
  }
}
