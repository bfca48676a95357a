import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { OutputRecorder } from './output-recorder.ts';
import { escapeControls } from './terminal.ts';

/** The exit codes of a shell for a command that is not there, and, with the number of the signal added, for one that a signal ended. */
const notFound = 127;
const signalled = 128;
const failed = 1;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The command's exit code, as a shell would give it. With a recorder, it has ended when all that it started has closed its output. */
export async function runCommand([program = '', ...words]: readonly string[], env: NodeJS.ProcessEnv, recorder: OutputRecorder | null): Promise<number> {
  const child = spawn(program, words, { stdio: recorder === null ? 'inherit' : ['inherit', 'pipe', 'pipe'], env });
  for (const signal of signals) {
    process.on(signal, () => {
      // A terminal gives Ctrl-C to the command as well; a second one would not mean the same.
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

/** False when it could not all be recorded: then the command is ended, and the rest is not shown. */
async function passOutput(child: ChildProcess, recorder: OutputRecorder): Promise<boolean> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    return true;
  }
  // A reader who has left is seen by the command, not by us.
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
