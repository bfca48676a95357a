import type { Command } from 'commander';
import { explainConfig } from '../config-explanation.ts';
import { configOption, loadConfig } from '../location.ts';
import { escapeControls } from '../terminal.ts';

export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .description('the configuration file of the gateway on this machine')
    .addHelpText('after', '\nExample:\n  countersign config check');
  config
    .command('check')
    .description('say whether a gateway could start with the file, and what it means')
    .addOption(configOption())
    .option('--without-secrets', "do not look for the targets' passwords, which may be in the gateway's environment alone")
    .addHelpText('after', '\nChanges nothing. Exits with 0 when a gateway could start with it, else with 1.\n\nExample:\n  countersign config check')
    .action(check);
}

function check(options: { readonly config: string; readonly withoutSecrets?: boolean }): void {
  const config = loadConfig(options, options.withoutSecrets === true ? 'missing' : 'needed');
  console.log(`${options.config} is valid.`);
  for (const line of explainConfig(config)) {
    console.log(escapeControls(line, 'nothing'));
  }
}
