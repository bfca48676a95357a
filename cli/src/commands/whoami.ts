import type { ShownCaller } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';

export function addWhoami(program: Command): void {
  addLocation(program.command('whoami'))
    .description('as whom the gateway is asked, with groups, targets, what the roles allow with recordings, and the end of the token')
    .option('--json', 'print {principal, kind, groups, targets, may, roles, onBehalfOf, token, expires, issuer, subject, session, log}')
    .addHelpText('after', '\nExample:\n  countersign whoami --url https://gateway.corp.example')
    .action(whoami);
}

async function whoami(options: LocationOptions & RowOptions): Promise<void> {
  const caller = await (await ApiClient.open(options)).json<ShownCaller>('GET', '/api/v1/whoami');
  await printRows([caller], options, (row) => [describeCaller(row), ...row.roles.map(describeRole)].join('\n'));
}

/** Describes a role and its bounds in one line. */
function describeRole({ name, role, own, query, expires }: ShownCaller['roles'][number]): string {
  const bounds = [...(own ? ['own records'] : []), ...query];
  return columns(
    `    ${name}${name === role ? '' : ` (${role})`}`,
    bounds.length === 0 ? 'all records' : `only ${bounds.join(' ')}`,
    ...(expires === null ? [] : [`until ${expires}`]),
  );
}

/** Returns whether somebody may search all records, of which those who may not are not told how many there are. */
export function searchesAll({ kind, roles }: ShownCaller): boolean {
  return kind === null || roles.some(({ may, own, query }) => may.includes('search') && !own && query.length === 0);
}

/** Describes a caller in one line. */
export function describeCaller({ principal, kind, groups, targets, may, onBehalfOf, issuer, expires }: ShownCaller): string {
  return columns(
    principal,
    kind ?? 'operator',
    groups,
    targets,
    ...(kind === null || may.length === 0 ? [] : [`may ${may.join(', ')}`]),
    ...(onBehalfOf === null ? [] : [`on behalf of ${onBehalfOf}`]),
    ...(issuer === null ? [] : [`vouched for by ${issuer}`]),
    ...(expires === null ? [] : [`until ${expires}`]),
  );
}
