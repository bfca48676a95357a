import { countOf } from '@countersign/gateway/count-of';
import type { AppliedConfig } from '@countersign/gateway/api';
import type { Config } from '@countersign/gateway/config';
import type { CheckedPolicies } from '@countersign/gateway/policy';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { loadConfig } from '../configuration.ts';
import { addLocation, configOption, type LocationOptions } from '../location-options.ts';
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
  addLocation(config.command('apply'))
    .description('make the running gateway apply its configuration file now')
    .option('--force', 'even if the file has none of the present principals')
    .addHelpText(
      'after',
      '\nA gateway applies a changed file by itself when the file has stayed the same for a second. It does not if the file is not valid, or has none of the present principals: then none of the present tokens could be used.\n\nExample:\n  countersign config apply --force',
    )
    .action(apply);
}

interface ApplyOptions extends LocationOptions {
  readonly force?: boolean;
}

async function apply(options: ApplyOptions): Promise<void> {
  const { file, principals, targets, waiting, changes, withdrawn } = await (
    await ApiClient.open(options)
  ).json<AppliedConfig>('POST', '/api/v1/config/apply', {
    force: options.force === true,
  });
  console.log(`${file} is in force: ${countOf(principals, 'principal')}, ${countOf(targets, 'target')}`);
  if (changes !== null) {
    console.log(escapeControls(changes, 'nothing'));
  }
  if (withdrawn > 0) {
    console.log(`${countOf(withdrawn, 'approval')} ${withdrawn === 1 ? 'was' : 'were'} withdrawn`);
  }
  if (waiting.length > 0) {
    console.log(`restart the gateway to apply the changes under ${waiting.join(', ')}`);
  }
}

/** Reads the policies as a start does, and returns what there is to say of them. Rejects with GatewayError `config_invalid` if a start would refuse them. */
async function checkPolicies(config: Config): Promise<CheckedPolicies> {
  // Loaded here, because it loads Cedar.
  const gateway = await import('@countersign/gateway/policy');
  gateway.configuredPolicy(config);
  return gateway.checkPolicies(config);
}

async function check(options: { readonly config: string; readonly withoutSecrets?: boolean }): Promise<void> {
  const config = await loadConfig(options, options.withoutSecrets === true ? 'missing' : 'needed');
  const policies = config.policies === null ? null : await checkPolicies(config);
  const { explainConfig } = await import('@countersign/gateway/config');
  console.log(`${options.config} is valid.`);
  for (const { what, text } of explainConfig(config, { policies, environment: process.env, isForOthers: false })) {
    console.log(escapeControls(`${what.padEnd(11)}${text}`, 'nothing'));
  }
}
