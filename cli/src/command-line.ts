import { CommanderError } from 'commander';
import { describeFailure } from './failure.ts';
import { createProgram, withoutHelpOfUnknown } from './program.ts';
import { escapeControls } from './terminal.ts';

export const failed = 1;
const usage = 2;

/** Runs one command line, given without the name of the program. Sets `process.exitCode`, and writes why it failed to standard error. Never rejects. */
export async function runCommandLine(words: readonly string[]): Promise<void> {
  try {
    const program = await createProgram(words[0]);
    await program.parseAsync(withoutHelpOfUnknown(program, words), { from: 'user' });
  } catch (error) {
    if (isBrokenPipe(error)) {
      process.exitCode ??= 0;
    } else if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : usage;
    } else {
      process.stderr.write(`countersign: ${escapeControls(describeFailure(error), 'lines')}\n`);
      if (process.env['COUNTERSIGN_TRACE'] !== undefined && error instanceof Error) {
        process.stderr.write(`${error.stack}\n`);
      }
      process.exitCode = failed;
    }
  }
}

/** True if the reader of the output has left. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE' && 'syscall' in error && error.syscall === 'write';
}
