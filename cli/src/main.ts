#!/usr/bin/env node
import { systemErrorWords } from '@countersign/gateway/domain/system-error.ts';
import { CommanderError } from 'commander';
import { createProgram, withoutHelpOfUnknown } from './program.ts';
import { escapeControls } from './terminal.ts';

const failed = 1;
const usage = 2;

// Whoever reads our output may have read enough: `countersign session list | head`. A command that goes on for other reasons listens itself.
process.stdout.on('error', (error) => {
  if (process.stdout.listenerCount('error') === 1) {
    process.exit(isBrokenPipe(error) ? 0 : failed);
  }
});

try {
  const program = createProgram();
  await program.parseAsync(withoutHelpOfUnknown(program, process.argv.slice(2)), { from: 'user' });
} catch (error) {
  if (isBrokenPipe(error)) {
    process.exitCode = 0;
  } else if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : usage;
  } else {
    process.stderr.write(`countersign: ${escapeControls(describe(error), 'lines')}\n`);
    if (process.env['COUNTERSIGN_TRACE'] !== undefined && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
    process.exitCode = failed;
  }
}

function describe(error: unknown): string {
  const refused = systemErrorWords(error);
  if (refused !== null && error instanceof Error && 'path' in error) {
    return `${String(error.path)}: ${refused}`;
  }
  return refused ?? (error instanceof Error ? error.message : String(error));
}

/** Nobody reads our output any more. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE' && 'syscall' in error && error.syscall === 'write';
}
