import { commandLengthMax, type OpenedRun } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { commandEnvironment } from '../command-environment.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { OutputRecorder } from '../output-recorder.ts';
import { runCommand } from '../run-command.ts';
import { RunFiles } from '../run-files.ts';

export function addRun(program: Command): void {
  addLocation(program.command('run').argument('<command...>', 'the command to run, after --'))
    .description('run a command in a session of its own: everything that it does through the gateway is one timeline')
    .option('--as <principal>', 'the principal that the command acts as; inside a run, by default that of the run')
    .option(
      '--target <target>',
      'a target that the run reaches; may be repeated; by default all that the principal may use, or those of the run that contains it',
      collect,
      [],
    )
    .option('--record-output', 'record the output of the command before it is passed on; the command then prints to a pipe')
    .passThroughOptions()
    .addHelpText(
      'after',
      "\nThe command runs as the user who types this. Whoever runs as the gateway's user is the operator and can also approve: on the gateway's machine, give agents a user of their own.\n\nExits with the command's own code. A run inside a run is a session of its own, linked with the other one, and ends with it.\n\nExample:\n  countersign run --as support-bot --target orders -- psql -c 'select 1'",
    )
    .action(run);
}

interface RunOptions extends LocationOptions {
  readonly as?: string;
  readonly target: readonly string[];
  readonly recordOutput?: boolean;
}

async function run(words: readonly string[], options: RunOptions, self: Command): Promise<void> {
  const around = findRunAround(process.env);
  if (around === null && options.as === undefined) {
    self.error("error: outside a run '--as <principal>' says who the command acts as");
  }
  // A run may open runs for its own principal. Another principal needs an administrator, and then the token of the run proves which run contains the new one.
  const isOthers = around !== null && options.as !== undefined && options.url === undefined;
  const api = await ApiClient.open(
    options.as === undefined && around !== null ? { config: options.config, url: options.url ?? around.url } : options,
    // The token in the environment is that of the run. It is shown as `parent`, and the operator opens the run.
    isOthers ? 'operator' : 'caller',
  );
  const parent = isOthers ? around.token : undefined;
  const command = words.join(' ').slice(0, commandLengthMax);
  const opened = await api.json<OpenedRun>('POST', '/api/v1/runs', {
    principal: options.as,
    targets: options.target,
    command,
    parent,
    recordOutput: options.recordOutput === true,
  });
  using files = new RunFiles(opened.files);
  const environment = commandEnvironment(options, { ...files.environment(opened.environment), COUNTERSIGN_URL: api.url, COUNTERSIGN_TOKEN: opened.token });
  const recorder = options.recordOutput === true ? new OutputRecorder(api, opened.session) : null;
  const exitCode = await runCommand(words, environment, recorder);
  await endRun(api, opened.session, exitCode);
  process.exitCode = exitCode;
}

/** Returns the run that contains this process, by the environment variables that the run set. Null if there is none. */
function findRunAround(environment: NodeJS.ProcessEnv): { readonly url: string; readonly token: string } | null {
  const { COUNTERSIGN_SESSION: session, COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: token } = environment;
  return session === undefined || url === undefined || token === undefined ? null : { url, token };
}

/** Ends the run. The command already has its exit code, so a gateway that is gone does not change it. */
async function endRun(api: ApiClient, session: string, exitCode: number): Promise<void> {
  try {
    const { wasOpen } = await api.json<{ readonly wasOpen: boolean }>('POST', `/api/v1/runs/${session}/end`, { exitCode });
    if (!wasOpen) {
      process.stderr.write(`countersign: the session of this run ended before its command did: countersign session show ${session} says why\n`);
    }
  } catch (error) {
    process.stderr.write(`countersign: session ${session} could not be closed: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
