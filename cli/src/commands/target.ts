import type { Command } from 'commander';
import { addToConfig } from '@countersign/gateway/config/edit.ts';
import { parseConfig } from '@countersign/gateway/config/parse.ts';
import { protocols } from '@countersign/gateway/protocols/registry.ts';
import { addLocation, loadConfig, type LocationOptions } from '../location.ts';
import { ApiClient } from '../api-client.ts';

interface ListedTarget {
  readonly name: string;
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly durability: string;
}

export function addTarget(program: Command): void {
  const target = program.command('target').description('the systems behind the gateway');
  addLocation(target.command('list'))
    .description('targets with their durability')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign target list')
    .action(list);
  target
    .command('add')
    .argument('<name>')
    .argument('<url>', 'SCHEME://USER@HOST:PORT/PATH, without a password')
    .description('add a target to the configuration file')
    .option('--config <file>', 'the configuration file', './countersign.yaml')
    .option('--password-env <variable>', 'the gateway reads the password from this variable')
    .option('--password-file <file>', 'or from this file')
    .option('--durability <how>', 'disk or process', 'disk')
    .addHelpText('after', '\nExample:\n  countersign target add orders postgres://app@db.internal:5432/orders --password-env ORDERS_PASSWORD')
    .action(add);
}

async function list(options: LocationOptions & { json?: boolean }): Promise<void> {
  const targets: readonly ListedTarget[] =
    options.url === undefined ? [...loadConfig(options).targets.values()] : await new ApiClient(options).json('GET', '/api/targets');
  for (const { name, protocol, host, port, durability } of targets) {
    console.log(options.json === true ? JSON.stringify({ name, protocol, host, port, durability }) : `${name}  ${protocol}  ${host}:${port}  ${durability}`);
  }
}

function add(name: string, url: string, options: { config: string; passwordEnv?: string; passwordFile?: string; durability: string }): void {
  const password =
    options.passwordEnv === undefined
      ? options.passwordFile === undefined
        ? {}
        : { password: { file: options.passwordFile } }
      : { password: { env: options.passwordEnv } };
  const value = { url, ...password, durability: options.durability };
  addToConfig(options.config, { section: 'targets', name, value }, validator(options.config));
  console.log(`added target ${name}`);
}

export function validator(file: string): (text: string) => void {
  return (text) => {
    parseConfig(text, { file, protocols, environment: process.env, secrets: 'missing' });
  };
}
