import { summarizeTarget, type TargetSummary } from '@countersign/gateway/api/target-summary.ts';
import { addToConfig } from '@countersign/gateway/config/edit.ts';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, configOption, loadConfig, validatorOf, type LocationOptions } from '../location.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';

export function addTarget(program: Command): void {
  const target = program.command('target').description('the systems behind the gateway').addHelpText('after', '\nExample:\n  countersign target list');
  addLocation(target.command('list'))
    .description('targets, with how far a record must have come before what it records moves on')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign target list')
    .action(list);
  target
    .command('add')
    .argument('<name>', 'what clients call it')
    .argument('<url>', 'SCHEME://USER@HOST:PORT/PATH, without a password')
    .description('add a target to the configuration file; a running gateway takes it up')
    .addOption(configOption())
    .option('--password-env <variable>', 'the gateway reads the password from this variable of its environment')
    .addOption(new Option('--password-file <file>', 'the gateway reads the password from this file').conflicts('passwordEnv'))
    .addOption(
      new Option('--durability <how>', 'disk: survives power loss; process: survives the death of the gateway').choices(['disk', 'process']).default('disk'),
    )
    .addHelpText('after', '\nExample:\n  countersign target add orders postgres://app@db.internal:5432/orders --password-env ORDERS_PASSWORD')
    .action(add);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const targets =
    options.url === undefined
      ? [...loadConfig(options).targets.values()].map(summarizeTarget)
      : await new ApiClient(options).json<readonly TargetSummary[]>('GET', '/api/targets');
  await printRows(targets, options, ({ name, protocol, host, port, path, durability }) =>
    columns(name, protocol, `${host}:${port}${path === '' ? '' : `/${path}`}`, durability),
  );
}

interface AddOptions {
  readonly config: string;
  readonly passwordEnv?: string;
  readonly passwordFile?: string;
  readonly durability: string;
}

function add(name: string, url: string, { config, passwordEnv, passwordFile, durability }: AddOptions): void {
  const value = {
    url,
    ...(passwordEnv === undefined ? {} : { password: { env: passwordEnv } }),
    ...(passwordFile === undefined ? {} : { password: { file: passwordFile } }),
    ...(durability === 'disk' ? {} : { durability }),
  };
  addToConfig(config, { section: 'targets', name, value }, validatorOf(config));
  console.log(`added target ${name} to ${config}`);
}
