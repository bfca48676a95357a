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
    .option('--as <principal>', 'who it acts as; inside a run by default whom that one acts as')
    .option('--target <target>', 'a target to give it, can be repeated; otherwise all that the principal was granted', collect, [])
    .passThroughOptions()
    .addHelpText(
      'after',
      "\nExits with the command's own code. A run inside a run is a session of its own, linked with the other, and ends with it.\n\nExample:\n  countersign run --as support-bot --target orders -- psql -c 'select 1'",
    )
    .action(run);
}

interface RunOptions extends LocationOptions {
  readonly as?: string;
  readonly target: readonly string[];
}

async function run(words: readonly string[], options: RunOptions, self: Command): Promise<void> {
  const around = findRunAround(process.env);
  if (around === null && options.as === undefined) {
    self.error("error: outside a run '--as <principal>' says who the command acts as");
  }
  // A run may open runs for its own principal; another one takes an administrator, and the token proves which run it is inside of.
  const api = new ApiClient(options.as === undefined && around !== null ? { config: options.config, url: options.url ?? around.url } : options);
  const parent = options.as !== undefined && options.url === undefined ? around?.token : undefined;
  const command = words.join(' ').slice(0, commandLengthMax);
  const opened = await api.json<OpenedRun>('POST', '/api/runs', { principal: options.as, targets: options.target, command, parent });
  const environment = { ...opened.environment, COUNTERSIGN_URL: api.url, COUNTERSIGN_TOKEN: opened.token };
  const exitCode = await runCommand(words, environment);
  await endRun(api, opened.session, exitCode);
  process.exitCode = exitCode;
}

/** The run that this process is inside of, by what it was given; null outside. */
function findRunAround(environment: NodeJS.ProcessEnv): { readonly url: string; readonly token: string } | null {
  const { COUNTERSIGN_SESSION: session, COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: token } = environment;
  return session === undefined || url === undefined || token === undefined ? null : { url, token };
}

/** The command has its exit code already: a gateway that is gone by now does not change it. */
async function endRun(api: ApiClient, session: string, exitCode: number): Promise<void> {
  try {
    await api.json('POST', `/api/runs/${session}/end`, { exitCode });
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
