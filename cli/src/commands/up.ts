import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeWholeFile } from '@countersign/gateway/store';
import type { Command } from 'commander';
import { readKnown } from '../known-checkpoint.ts';
import { configOption } from '../location-options.ts';

export function addUp(program: Command): void {
  program
    .command('up')
    .description('run the gateway until it is told to stop')
    .addOption(configOption())
    .option('--data <dir>', 'data directory, instead of the configured one')
    .option('--accept-rollback', 'continue with a store of which a part is older than the rest; the loss is declared in the record')
    .option('--known <file>', 'a checkpoint (log/checkpoint) that was kept elsewhere: a store that is older is refused')
    .option('--ready-file <file>', 'a file that gets {"http":"host:port",...} once the gateway serves')
    .addHelpText('after', '\nExample:\n  countersign up --config /etc/countersign.yaml')
    .action(up);
}

interface UpOptions {
  readonly config: string;
  readonly data?: string;
  readonly readyFile?: string;
  readonly acceptRollback?: boolean;
  readonly known?: string;
}

async function up({ config, data, readyFile, acceptRollback = false, known }: UpOptions): Promise<void> {
  if (readyFile !== undefined) {
    // A file from an earlier gateway says nothing about this one.
    rmSync(readyFile, { force: true });
  }
  // Loaded here, so that no other command loads the whole gateway.
  const { Gateway } = await import('@countersign/gateway/gateway');
  await using gateway = await Gateway.open({
    configFile: config,
    acceptRollback,
    ...(known === undefined ? {} : { known: readKnown(known) }),
    ...(data === undefined ? {} : { data: resolve(data) }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void gateway.stop());
  }
  // If the journal fails meanwhile, there is no answer.
  const link = await Promise.race([gateway.inviteFirst(), gateway.stopped.then(() => null)]);
  if (link !== null) {
    console.log(`No local administrator is there yet. Whoever opens this link within an hour becomes one, with a passkey:\n${link}`);
  }
  if (readyFile !== undefined) {
    writeWholeFile(readyFile, `${JSON.stringify(gateway.addresses)}\n`, { mode: 0o644 });
  }
  const code = await gateway.stopped;
  // The process ends at once: if the journal failed, it must not continue because something is still open.
  process.exit(code);
}
