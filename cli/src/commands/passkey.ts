import type { PasskeySummary } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { printJson } from '../terminal.ts';

const path = '/api/v1/passkeys';

export function addPasskey(program: Command): void {
  const passkey = program
    .command('passkey')
    .description('local administrators, who sign in with passkeys and need no account at an issuer')
    .addHelpText('after', '\nExample:\n  countersign passkey invite ann');
  addLocation(passkey.command('invite').argument('<name>', 'of a person: the principal is local/NAME'))
    .description('as the operator, make a link with which an administrator registers a passkey, once, within an hour')
    .option('--json', 'print {principal, link, expires}')
    .addHelpText('after', '\nWho has a passkey gets another one, or one in place of a lost one.\n\nExample:\n  countersign passkey invite ann')
    .action(invite);
  addLocation(passkey.command('list'))
    .description('the passkeys of local administrators, oldest first')
    .option('--json', 'print {id, principal, created, used}, one a line')
    .addHelpText('after', '\nExample:\n  countersign passkey list')
    .action(list);
  addLocation(passkey.command('remove').argument('<id>', 'as passkey list prints it'))
    .description('remove a passkey, and end all that its administrator is signed in with')
    .addHelpText('after', '\nWho has no passkey left is no administrator any more.\n\nExample:\n  countersign passkey remove kSWfVT0kFAUWR1hbYNkV2w')
    .action(remove);
}

interface Invited {
  readonly principal: string;
  readonly link: string;
  readonly expires: string;
}

async function invite(name: string, options: LocationOptions & RowOptions): Promise<void> {
  const invited = await (await ApiClient.open(options)).json<Invited>('POST', `${path}/invitations`, { name });
  if (options.json === true) {
    printJson(invited);
    return;
  }
  console.log(invited.link);
  process.stderr.write(`For ${invited.principal}, once, until ${invited.expires}. Whoever opens it first registers a passkey. It is not shown again.\n`);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const passkeys = await (await ApiClient.open(options)).json<readonly PasskeySummary[]>('GET', path);
  await printRows(passkeys, options, ({ id, principal, created, used }) =>
    columns(id, principal, `since ${created}`, used === null ? 'never used' : `used ${used}`),
  );
}

async function remove(id: string, options: LocationOptions): Promise<void> {
  const { removed, principal }: { readonly removed: string; readonly principal: string } = await (
    await ApiClient.open(options)
  ).json('DELETE', `${path}/${encodeURIComponent(id)}`);
  console.log(`removed ${removed} of ${principal}`);
}
