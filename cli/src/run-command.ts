import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { OutputRecorder } from './output-recorder.ts';
import { escapeControls } from './terminal.ts';

/** The exit codes that a shell uses: for a command that does not exist, and, plus the number of the signal, for a command that a signal ended. */
const notFound = 127;
const signalled = 128;
const failed = 1;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command and resolves with its exit code, as a shell would give it. With a recorder, the command has ended when all processes that it started have
 * closed its output.
 */
export async function runCommand([program = '', ...words]: readonly string[], env: NodeJS.ProcessEnv, recorder: OutputRecorder | null): Promise<number> {
  const child = spawn(program, words, { stdio: recorder === null ? 'inherit' : ['inherit', 'pipe', 'pipe'], env });
  for (const signal of signals) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the command as well, and a second signal could have another meaning.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) {
        child.kill(signal);
      }
    });
  }
  const exited = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`countersign: ${escapeControls(program, 'nothing')} cannot be run: ${error.message}\n`);
      resolve(notFound);
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? signalled + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  const isRecorded = recorder === null || (await passOutput(child, recorder));
  const exitCode = await exited;
  return isRecorded || exitCode !== 0 ? exitCode : failed;
}

/** Resolves with false if not all output could be recorded. The command is then ended, and the rest of its output is not shown. */
async function passOutput(child: ChildProcess, recorder: OutputRecorder): Promise<boolean> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    return true;
  }
  // If the reader of the output leaves, the command notices that itself.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  try {
    await Promise.all([recorder.pass('stdout', stdout, process.stdout), recorder.pass('stderr', stderr, process.stderr)]);
    return true;
  } catch (error) {
    child.kill('SIGTERM');
    stdout.destroy();
    stderr.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`countersign: the output cannot be recorded, so the command is ended: ${escapeControls(reason, 'nothing')}\n`);
    return false;
  }
}
