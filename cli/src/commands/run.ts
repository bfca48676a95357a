import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { OpenedRun } from '@countersign/gateway/api/context.ts';
import { commandLengthMax } from '@countersign/gateway/api/schemas.ts';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location.ts';
import { escapeControls } from '../terminal.ts';

/** What a shell answers when a command is not there, and when a signal ended it. */
const notFound = 127;
const signalled = 128;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function addRun(program: Command): void {
  addLocation(program.command('run').argument('<command...>', 'what to run, after --'))
    .description('run a command in a session of its own: whatever it does through the gateway is one timeline')
    .requiredOption('--as <principal>', 'who it acts as')
    .option('--target <target>', 'a target to give it, can be repeated; otherwise all that the principal was granted', collect, [])
    .passThroughOptions()
    .addHelpText('after', "\nExits with the command's own code.\n\nExample:\n  countersign run --as support-bot --target orders -- psql -c 'select 1'")
    .action(run);
}

async function run(words: readonly string[], options: LocationOptions & { readonly as: string; readonly target: readonly string[] }): Promise<void> {
  const api = new ApiClient(options);
  const command = words.join(' ').slice(0, commandLengthMax);
  const opened = await api.json<OpenedRun>('POST', '/api/runs', { principal: options.as, targets: options.target, command });
  try {
    process.exitCode = await runCommand(words, opened.environment);
  } finally {
    await endRun(api, opened.session);
  }
}

/** The command has its exit code already: a gateway that is gone by now does not change it. */
async function endRun(api: ApiClient, session: string): Promise<void> {
  try {
    await api.json('POST', `/api/runs/${session}/end`);
  } catch (error) {
    process.stderr.write(`countersign: session ${session} could not be closed: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** The command's exit code, as a shell would give it. */
async function runCommand([program = '', ...words]: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(program, words, { stdio: 'inherit', env: { ...process.env, ...environment } });
  for (const signal of signals) {
    process.on(signal, () => {
      // A terminal gives Ctrl-C to the command as well; a second one would not mean the same.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) {
        child.kill(signal);
      }
    });
  }
  return new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`countersign: ${escapeControls(program, 'nothing')} cannot be run: ${error.message}\n`);
      resolve(notFound);
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? signalled + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
