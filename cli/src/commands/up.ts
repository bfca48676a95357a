import { renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Gateway } from '@countersign/gateway/gateway.ts';
import type { Command } from 'commander';

export function addUp(program: Command): void {
  program
    .command('up')
    .description('run the gateway until it is told to stop')
    .option('--config <file>', 'its configuration', './countersign.yaml')
    .option('--data <dir>', 'data directory, instead of the one that is configured')
    .option('--ready-file <file>', 'gets {"http":"host:port",...} once the gateway serves')
    .addHelpText('after', '\nExample:\n  countersign up --config /etc/countersign.yaml')
    .action(up);
}

async function up(options: { config: string; data?: string; readyFile?: string }): Promise<void> {
  await using gateway = await Gateway.open({
    configFile: options.config,
    ...(options.data === undefined ? {} : { data: resolve(options.data) }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void gateway.stop());
  }
  if (options.readyFile !== undefined) {
    writeFileSync(`${options.readyFile}.new`, `${JSON.stringify(gateway.addresses)}\n`);
    renameSync(`${options.readyFile}.new`, options.readyFile);
  }
  const code = await gateway.stopped;
  // A gateway whose journal failed must not linger on what is still open.
  process.exit(code);
}
