import type { ErasureByQuery } from '@countersign/gateway/api';
import { type Command, Option } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';

export const erasurePath = '/api/v1/erasures';
export const erasureMembers = '{records, besides, own, sessions, secrets, refused: [{by, secrets, sessions}], erased, unknown, waits}';

interface EraseOptions extends LocationOptions, RowOptions {
  readonly query: string;
  readonly reason: string;
  readonly facts?: boolean;
  readonly yes?: boolean;
}

export function addErase(program: Command): void {
  addLocation(program.command('erase'))
    .description('say what would be erased of what a query finds, and with --yes erase it for good')
    .requiredOption('--query <query>', 'which records (docs/search.md)')
    .requiredOption('--reason <text>', 'why, recorded')
    .option('--facts', 'the facts too, and not the contents alone')
    .option('--plan', 'only say it, as without --yes')
    .addOption(new Option('--yes', 'erase it').conflicts('plan'))
    .option('--json', `print ${erasureMembers}`)
    .addHelpText(
      'after',
      '\nA hold or a floor that keeps some of it refuses all of it. Where retention.erase asks for two persons, --yes asks for it, and another person confirms: countersign erasure confirm.\n\nExample:\n  countersign erase --query "principal:ann target:orders" --reason "request of 3 November"',
    )
    .action(erase);
}

async function erase({ query, reason, facts = false, yes = false, ...options }: EraseOptions): Promise<void> {
  const body = { query, reason, facts, plan: !yes };
  const found = await (await ApiClient.open(options)).json<ErasureByQuery>('POST', erasurePath, body);
  await printRows([found], options, describeErasure);
}

export function describeErasure({ records, besides, own, sessions, secrets, refused, erased, unknown, waits }: ErasureByQuery): string {
  return [
    columns('records', `${records} of ${sessions} sessions`),
    columns('go with them', `${besides} records that the same ${secrets} secrets seal`),
    ...(own === 0 ? [] : [columns('stay', `${own} records of who did what with the gateway itself`)]),
    ...unknown.map((what) => columns('note', what)),
    ...refused.map(({ by, sessions: some }) => columns('kept by', `${by}: ${some.join(', ')}`)),
    erased
      ? 'erased'
      : waits !== null
        ? `It waits for a second person: countersign erasure confirm ${waits}`
        : refused.length > 0
          ? 'Nothing can be erased while some of it is kept.'
          : secrets === 0
            ? 'There is nothing to erase: nothing matches that could go.'
            : 'Nothing is erased yet: say --yes.',
  ].join('\n');
}
