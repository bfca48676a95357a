import { CommanderError } from 'commander';
import { describeFailure } from './failure.ts';
import { createProgram, withoutHelpOfUnknown } from './program.ts';
import { escapeControls } from './terminal.ts';

const failed = 1;
const usage = 2;

// The reader of the output may stop early: `countersign session list | head`. A command that must continue listens for this error itself.
process.stdout.on('error', (error) => {
  if (process.stdout.listenerCount('error') === 1) {
    process.exit(isBrokenPipe(error) ? (process.exitCode ?? 0) : failed);
  }
});

try {
  const words = process.argv.slice(2);
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

/** True if the reader of the output has left. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE' && 'syscall' in error && error.syscall === 'write';
}
