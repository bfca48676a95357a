import { spawn } from 'node:child_process';
import type { OpenedRun } from '@countersign/gateway/api/context.ts';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location.ts';

const notFound = 127;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

export function addRun(program: Command): void {
  addLocation(program.command('run').argument('<command...>', 'what to run, after --'))
    .description('run a command in a session of its own: whatever it does through the gateway is one timeline')
    .requiredOption('--as <principal>', 'who it acts as')
    .option('--target <target...>', 'targets to give it; all that the principal was granted by default', collect, [])
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  countersign run --as support-bot --target orders -- psql -c "select 1"')
    .action(run);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

async function run(command: string[], options: LocationOptions & { as: string; target: string[] }): Promise<void> {
  const api = new ApiClient(options);
  const opened: OpenedRun = await api.json('POST', '/api/runs', { principal: options.as, targets: options.target });
  try {
    process.exitCode = await runCommand(command, opened.environment);
  } finally {
    await api.json('POST', `/api/runs/${opened.session}/end`);
  }
}

/** The command's exit code, as a shell would give it. */
function runCommand([program = '', ...words]: string[], environment: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: 'inherit', env: { ...process.env, ...environment } });
    for (const signal of signals) {
      process.on(signal, () => child.kill(signal));
    }
    child.once('error', (error) => {
      process.stderr.write(`countersign: ${program} cannot be run: ${error.message}\n`);
      resolve(notFound);
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0));
    });
  });
}
