import { readFileSync } from 'node:fs';
import { describeFailure } from './failure.ts';

/** Reads the checkpoint that `--known` names. Throws an Error that says what is expected. */
export function readKnown(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(
      `--known ${describeFailure(cause)}. It is a copy of log/checkpoint, or with --anchor of anchor/checkpoint, kept apart from what is checked.`,
      { cause },
    );
  }
}
