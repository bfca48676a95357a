import type { Bridge, ReachedTarget } from '@countersign/gateway/api';
import { protocols } from '@countersign/gateway/config';
import type { Command } from 'commander';
import { checkConnection } from '../check-connection.ts';
import { addLocation } from '../location-options.ts';
import { locateGateway } from '../location.ts';
import { passFor, type PassOptions } from '../pass.ts';
import { escapeControls } from '../terminal.ts';

/** Adds a command for each protocol that has clients which speak it only over standard input and output. */
export function addBridges(program: Command): void {
  for (const { id, bridge } of protocols) {
    if (bridge !== undefined) {
      addLocation(program.command(id).argument('<target>', 'which target, as target list prints it'))
        .description(bridge.title)
        .option('--as <principal>', 'the principal that connects; by default that of the token in COUNTERSIGN_TOKEN, or who signed in')
        .addHelpText(
          'after',
          `\nInside a run, it uses the gateway of the run. Its output is for the client that started it.\n\nExample:\n  countersign ${id} tools --as support-bot`,
        )
        .action(async (target: string, options: PassOptions) => run({ id, bridge }, target, options));
    }
  }
}

async function run({ id, bridge }: { readonly id: string; readonly bridge: Bridge }, target: string, options: PassOptions): Promise<void> {
  const around = options.as === undefined ? process.env['COUNTERSIGN_URL'] : undefined;
  const gateway = await locateGateway(around === undefined || options.url !== undefined ? options : { ...options, url: around });
  const pass = await passFor(gateway, options);
  try {
    await warnOfRefusal(checkConnection(gateway, target, await pass.token()), { id, target });
    const url = `${gateway}/t/${encodeURIComponent(target)}`;
    await bridge.run({ url, token: pass.token, input: process.stdin, write: async (bytes) => write(bytes) });
  } finally {
    await pass.giveBack();
  }
}

/** Reports a refusal on standard error and by the exit code. The client itself gets the refusal as an error from the bridge. */
async function warnOfRefusal(checking: Promise<ReachedTarget>, wanted: { readonly id: string; readonly target: string }): Promise<void> {
  const problem = await checking.then(
    ({ protocol }) => (protocol === wanted.id ? null : `${wanted.target} is one of ${protocol}, not of ${wanted.id}`),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (problem !== null) {
    process.stderr.write(`countersign: ${escapeControls(problem, 'lines')}\n`);
    process.exitCode = 1;
  }
}

/** Resolves when the bytes were taken. */
async function write(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error) {
        reject(error);
      } else {
        resolve();
      }
    });
  });
}
