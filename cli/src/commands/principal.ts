import type { Principal } from '@countersign/gateway/config';
import { findData } from '@countersign/gateway/location';
import { Option, type Command } from 'commander';
import { printPrincipalAccess } from '../access.ts';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { addConfigEntry, loadConfig } from '../configuration.ts';
import { addLocation, configOption, type LocationOptions } from '../location-options.ts';
import { findRunning } from '../location.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';

export function addPrincipal(program: Command): void {
  const principal = program.command('principal').description('who may use the gateway').addHelpText('after', '\nExample:\n  countersign principal list');
  addLocation(principal.command('list'))
    .description('principals with their kind, groups, the targets they were granted, and whether they are suspended')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nIf no gateway runs, those of the configuration; who is suspended is then not known.\n\nExample:\n  countersign principal list')
    .action(list);
  addLocation(principal.command('access'))
    .argument('<name>', 'the principal, as it stands in every record')
    .description('what a principal may do at each target, and by which policies, whatever its requests are')
    .option(
      '--group <group>',
      'count it to this group and to no other that is not named, may be repeated: who is in which group its issuer alone may know',
      collect,
      [],
    )
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nallowed: every request is. conditional: some are, and what a policy asks of a request is said. held: people decide. denied: none is allowed.\n\nExample:\n  countersign principal access support-bot',
    )
    .action(async (name: string, { group, ...options }: LocationOptions & RowOptions & { readonly group: readonly string[] }) =>
      printPrincipalAccess(name, { ...options, ...(group.length === 0 ? {} : { groups: group }) }),
    );
  addLocation(principal.command('suspend'))
    .argument('<name>', 'the principal, as it stands in every record')
    .description('end everything that a principal opened or that was opened on its behalf, and accept its tokens no more until it is resumed')
    .option('--reason <text>', 'why, for the record', '')
    .addHelpText('after', '\nExample:\n  countersign principal suspend support-bot --reason "it sends mails to strangers"')
    .action(suspend);
  addLocation(principal.command('resume'))
    .argument('<name>', 'the principal, as it stands in every record')
    .description('accept the tokens of a suspended principal again')
    .option('--reason <text>', 'why, for the record', '')
    .addHelpText('after', '\nExample:\n  countersign principal resume support-bot')
    .action(resume);
  principal
    .command('add')
    .argument('<name>', 'as it stands in every record')
    .description('add a principal to the configuration file; a running gateway applies it')
    .addOption(configOption())
    .addOption(new Option('--kind <kind>', 'who it is').choices(['human', 'agent']).default('agent'))
    .option(
      '--group <group>',
      'a group it belongs to, may be repeated; admins administer and read no content, auditors read the public log and the metrics',
      collect,
      [],
    )
    .option('--target <target>', 'a target it is granted, can be repeated', collect, [])
    .addHelpText('after', '\nExample:\n  countersign principal add support-bot --kind agent --group agents --target orders')
    .action(add);
}

/** A principal as the API lists it. `suspended` is absent if no gateway runs that knows it. */
interface Listed extends Omit<Principal, 'kind'> {
  /** Null: it is not known. */
  readonly kind: Principal['kind'] | null;
  readonly suspended?: { readonly by: string; readonly since: string; readonly reason: string } | null;
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const runs = options.url !== undefined || findRunning(findData(options.config)) !== null;
  if (!runs) {
    process.stderr.write('No gateway runs: these are the principals that the configuration names.\n');
  }
  const principals = runs
    ? await (await ApiClient.open(options)).json<readonly Listed[]>('GET', '/api/v1/principals')
    : [...(await loadConfig(options)).principals.values()];
  await printRows(principals, options, ({ id, kind, groups, targets, suspended }: Listed) =>
    columns(id, kind ?? '', groups, targets, ...(suspended === null || suspended === undefined ? [] : [describeSuspension(suspended)])),
  );
}

function describeSuspension({ by, since, reason }: NonNullable<Listed['suspended']>): string {
  return `suspended by ${by} since ${since}${reason === '' ? '' : `: ${reason}`}`;
}

type ActOptions = LocationOptions & { readonly reason: string };

async function suspend(name: string, options: ActOptions): Promise<void> {
  await (await ApiClient.open(options)).json('POST', `/api/v1/principals/${encodeURIComponent(name)}/suspend`, { reason: options.reason });
  console.log(`suspended ${name}: countersign principal resume ${name} lets it in again`);
}

async function resume(name: string, options: ActOptions): Promise<void> {
  await (await ApiClient.open(options)).json('POST', `/api/v1/principals/${encodeURIComponent(name)}/resume`, { reason: options.reason });
  console.log(`resumed ${name}`);
}

interface AddOptions {
  readonly config: string;
  readonly kind: string;
  readonly group: readonly string[];
  readonly target: readonly string[];
}

async function add(name: string, { config, kind, group, target }: AddOptions): Promise<void> {
  const value = { kind, ...(group.length === 0 ? {} : { groups: group }), targets: target };
  await addConfigEntry(config, { section: 'principals', name, value });
  console.log(`added principal ${name} to ${config}`);
}
