import type { HoldSummary, ReleasedHold } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';

const path = '/api/v1/holds';
const members = '{matter, query, reason, by, onBehalfOf, since, class, sessions, records, oldest, covered, releasedBy, unknown}';

interface ReasonOptions extends LocationOptions {
  readonly reason: string;
}

export function addHold(program: Command): void {
  const hold = program
    .command('hold')
    .description('what is kept for a matter, whatever the rules of retention say')
    .addHelpText('after', '\nExample:\n  countersign hold list');
  addLocation(hold.command('create').argument('<matter>', 'name of the matter'))
    .description('keep what a query finds now, and what it will find, until the hold is released')
    .requiredOption('--query <query>', 'which records (docs/search.md)')
    .requiredOption('--reason <text>', 'why, recorded')
    .option('--json', `print ${members}`)
    .addHelpText('after', '\nExample:\n  countersign hold create 2026-117 --query "target:orders principal:bot" --reason "lawsuit, letter of 3 November"')
    .action(create);
  addLocation(hold.command('list'))
    .description('the holds that are in force')
    .option('--json', `print ${members}, one a line`)
    .addHelpText('after', '\nExample:\n  countersign hold list')
    .action(list);
  addLocation(hold.command('show').argument('<matter>', 'as hold list prints it'))
    .description('what a hold keeps, who set it, and why')
    .option('--json', `print ${members}`)
    .addHelpText('after', '\nExample:\n  countersign hold show 2026-117')
    .action(show);
  addLocation(hold.command('release').argument('<matter>', 'as hold list prints it'))
    .description('end a hold, as another person than the one who set it: what nothing else keeps any more is gone for good')
    .requiredOption('--reason <text>', 'why, recorded')
    .option('--json', 'print {matter, released}')
    .addHelpText('after', '\nExample:\n  countersign hold release 2026-117 --reason "settled, letter of 2 February"')
    .action(release);
}

async function create(matter: string, { query, reason, ...options }: ReasonOptions & RowOptions & { readonly query: string }): Promise<void> {
  const hold = await (await ApiClient.open(options)).json<HoldSummary>('POST', path, { matter, query, reason });
  await printRows([hold], options, describe);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const holds = await (await ApiClient.open(options)).json<readonly HoldSummary[]>('GET', path);
  await printRows(holds, options, ({ matter, query, by, since }) => columns(matter, query, `by ${by}`, `since ${since}`));
}

async function show(matter: string, options: LocationOptions & RowOptions): Promise<void> {
  const hold = await (await ApiClient.open(options)).json<HoldSummary>('GET', pathOf(matter));
  await printRows([hold], options, describe);
}

async function release(matter: string, { reason, ...options }: ReasonOptions & RowOptions): Promise<void> {
  const released = await (await ApiClient.open(options)).json<ReleasedHold>('POST', `${pathOf(matter)}/release`, { reason });
  await printRows([released], options, () => columns('released', matter));
}

function describe({ matter, query, reason, by, onBehalfOf, since, sessions, records, oldest, covered, releasedBy, unknown }: HoldSummary): string {
  return [
    columns('matter', matter),
    columns('query', query),
    columns('reason', reason),
    columns('set by', onBehalfOf === null ? by : `${by} for ${onBehalfOf}`),
    columns('since', since),
    ...(records === null
      ? []
      : [
          columns('keeps', `${records} records of ${sessions} sessions${oldest === null ? '' : `, the oldest of ${oldest}`}`),
          columns('looked at', `the first ${covered} records of the log`),
        ]),
    ...unknown.map((what) => columns('note', what)),
    ...(releasedBy === null ? [] : [columns('released by', releasedBy)]),
  ].join('\n');
}

function pathOf(matter: string): string {
  return `${path}/${encodeURIComponent(matter)}`;
}
