import type { ErasureByQuery, WaitingErasureSummary } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { describeErasure, erasureMembers, erasurePath } from './erase.ts';

export function addErasure(program: Command): void {
  const erasure = program
    .command('erasure')
    .description('what is to be erased, where two persons do it')
    .addHelpText('after', '\nExample:\n  countersign erasure list');
  addLocation(erasure.command('list'))
    .description('the erasures that wait for a second person, or that one has confirmed and that are being carried out')
    .option('--json', 'print {erasure, query, facts, reason, by, onBehalfOf, ends, confirmedBy}, one a line')
    .addHelpText('after', '\nExample:\n  countersign erasure list')
    .action(list);
  addLocation(erasure.command('confirm').argument('<erasure>', 'as erasure list prints it'))
    .description('as the second person, erase for good what another asked for')
    .option('--json', `print ${erasureMembers}`)
    .addHelpText('after', '\nExample:\n  countersign erasure confirm er_0f1e2d3c4b5a6978')
    .action(confirm);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const waiting = await (await ApiClient.open(options)).json<readonly WaitingErasureSummary[]>('GET', erasurePath);
  await printRows(waiting, options, ({ erasure, query, facts, reason, by, ends, confirmedBy }) =>
    columns(
      erasure,
      query,
      facts ? 'facts and contents' : 'contents',
      `by ${by}`,
      confirmedBy === null ? `until ${ends}` : `confirmed by ${confirmedBy}, is being carried out`,
      reason,
    ),
  );
}

async function confirm(erasure: string, options: LocationOptions & RowOptions): Promise<void> {
  const path = `${erasurePath}/${encodeURIComponent(erasure)}/confirm`;
  const found = await (await ApiClient.open(options)).json<ErasureByQuery>('POST', path, {});
  await printRows([found], options, describeErasure);
}
