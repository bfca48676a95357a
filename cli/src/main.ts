import { failed, isBrokenPipe, runCommandLine } from './command-line.ts';

// The reader of the output may stop early: `countersign session list | head`. A command that must continue listens for this error itself.
process.stdout.on('error', (error) => {
  if (process.stdout.listenerCount('error') === 1) {
    process.exit(isBrokenPipe(error) ? (process.exitCode ?? 0) : failed);
  }
});

await runCommandLine(process.argv.slice(2));
