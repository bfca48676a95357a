import type { Command } from 'commander';
import { addToConfig } from '@countersign/gateway/config/edit.ts';
import { addLocation, loadConfig, type LocationOptions } from '../location.ts';
import { ApiClient } from '../api-client.ts';
import { validator } from './target.ts';

interface ListedPrincipal {
  readonly id: string;
  readonly kind: string;
  readonly groups: readonly string[];
  readonly targets: readonly string[];
}

export function addPrincipal(program: Command): void {
  const principal = program.command('principal').description('who may use the gateway');
  addLocation(principal.command('list'))
    .description('principals with what they were granted')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign principal list')
    .action(list);
  principal
    .command('add')
    .argument('<name>')
    .description('add a principal to the configuration file')
    .option('--config <file>', 'the configuration file', './countersign.yaml')
    .option('--kind <kind>', 'human or agent', 'agent')
    .option('--group <group...>', 'groups it belongs to')
    .option('--target <target...>', 'targets it is granted')
    .addHelpText('after', '\nExample:\n  countersign principal add support-bot --kind agent --target orders')
    .action(add);
}

async function list(options: LocationOptions & { json?: boolean }): Promise<void> {
  const principals: readonly ListedPrincipal[] =
    options.url === undefined ? [...loadConfig(options).principals.values()] : await new ApiClient(options).json('GET', '/api/principals');
  for (const principal of principals) {
    console.log(
      options.json === true ? JSON.stringify(principal) : `${principal.id}  ${principal.kind}  groups ${principal.groups.join(',') || '-'}  targets ${principal.targets.join(',') || '-'}`,
    );
  }
}

function add(name: string, options: { config: string; kind: string; group?: string[]; target?: string[] }): void {
  const value = { kind: options.kind, groups: options.group ?? [], targets: options.target ?? [] };
  addToConfig(options.config, { section: 'principals', name, value }, validator(options.config));
  console.log(`added principal ${name}`);
}
