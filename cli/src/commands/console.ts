import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { findBrowser, openBrowser } from '../browser.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import type { RowOptions } from '../rows.ts';
import { printJson } from '../terminal.ts';

export function addConsole(program: Command): void {
  addLocation(program.command('console').argument('[name]', 'as the operator: the principal that signs in'))
    .description('open the console in a browser, signed in: sessions, searches, approvals')
    .option('--json', 'print {principal, link, expires}, and open nothing')
    .addHelpText(
      'after',
      '\nThe link counts once, for a minute. Who signs in with an account or a passkey needs none: the console is at the address of the gateway.\nWithout either, the operator makes the first link: NAME is a principal of the configuration, and in the group admins it administers.\n\nExample:\n  countersign console ann',
    )
    .action(open);
}

interface Linked {
  readonly principal: string;
  readonly link: string;
  readonly expires: string;
}

async function open(name: string | undefined, options: LocationOptions & RowOptions): Promise<void> {
  const linked = await (await ApiClient.open(options)).json<Linked>('POST', '/api/v1/sign-in/link', name === undefined ? {} : { principal: name });
  if (options.json === true) {
    printJson(linked);
    return;
  }
  const browser = findBrowser();
  if (browser !== null) {
    openBrowser(browser, linked.link);
  }
  console.log(linked.link);
  process.stderr.write(`For ${linked.principal}, once, within a minute.\n`);
}
