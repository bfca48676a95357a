import type { OpeningSummary } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseSession } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { findSession } from '../names.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { listOf } from '../session-source.ts';

const example = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const path = '/api/v1/openings';

export function addOpening(program: Command): void {
  const opening = program.command('opening').description('content that nobody reads alone').addHelpText('after', '\nExample:\n  countersign opening list');
  addLocation(opening.command('ask').argument('<id>', 'session', parseSession))
    .description('ask for the content of a session, of classes that two persons open')
    .requiredOption('--reason <text>', 'why you must read it, recorded')
    .addHelpText('after', `\nExample:\n  countersign opening ask ${example} --reason "a complaint, ticket 4711"`)
    .action(ask);
  addLocation(opening.command('list'))
    .description('what was asked for and is not over')
    .option('--json', 'print {opening, session, by, reason, grantedBy, ends}, one a line')
    .addHelpText('after', '\nExample:\n  countersign opening list')
    .action(list);
  addLocation(opening.command('grant').argument('<opening>', 'as opening list prints it'))
    .description('as the second person, open the content for an hour to the one who asks')
    .option('--note <text>', 'what you add, recorded', '')
    .addHelpText('after', '\nExample:\n  countersign opening grant op_0f1e2d3c4b5a6978')
    .action(grant);
}

async function ask(id: string, { reason, ...options }: LocationOptions & { readonly reason: string }): Promise<void> {
  const api = await ApiClient.open(options);
  const session = await findSession(id, (page) => listOf(api, page));
  const { opening } = await api.json<OpeningSummary>('POST', path, { session, reason });
  console.log(opening);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const openings = await (await ApiClient.open(options)).json<readonly OpeningSummary[]>('GET', path);
  await printRows(openings, options, ({ opening, session, by, reason, grantedBy, ends }) =>
    columns(opening, session, by, grantedBy === null ? 'waits for a second person' : `opened by ${grantedBy}`, `until ${ends}`, reason),
  );
}

async function grant(opening: string, { note, ...options }: LocationOptions & { readonly note: string }): Promise<void> {
  const { ends } = await (await ApiClient.open(options)).json<OpeningSummary>('POST', `${path}/${encodeURIComponent(opening)}/grant`, { note });
  console.log(`open until ${ends}`);
}
