#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import { escapeControls } from './terminal.ts';

const failed = 1;
const usage = 2;

// Whoever reads our output may have read enough: `countersign session list | head`. A command that goes on for other reasons listens itself.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (process.stdout.listenerCount('error') === 1) {
    process.exit(error.code === 'EPIPE' ? 0 : failed);
  }
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : usage;
  } else {
    process.stderr.write(`countersign: ${escapeControls(error instanceof Error ? error.message : String(error), 'lines')}\n`);
    if (process.env['COUNTERSIGN_TRACE'] !== undefined && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
    process.exitCode = failed;
  }
}
