import type { ReconciledTarget } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';

const textMax = 100;

export function addReconcile(program: Command): void {
  addLocation(program.command('reconcile').argument('<target>', 'the name of a target'))
    .description('compare what a target counts itself with what is recorded, since the last time; the first time makes a base line')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExit code 1 if they differ.\n\nExample:\n  countersign reconcile orders')
    .action(reconcile);
}

async function reconcile(target: string, options: LocationOptions & { readonly json?: boolean }): Promise<void> {
  const api = await ApiClient.open(options);
  const found = await api.json<ReconciledTarget>('POST', `/api/v1/targets/${encodeURIComponent(target)}/reconcile`);
  process.exitCode = found.state === 'differs' ? 1 : 0;
  if (options.json === true) {
    printJson(found);
    return;
  }
  console.log(bold(`${escapeControls(found.target, 'nothing')}: ${found.state}${found.since === null ? '' : `, since ${found.since}`}`));
  const { comparison } = found;
  if (comparison === null) {
    console.log(
      found.state === 'not counted'
        ? '  targets of this protocol count nothing that can be read'
        : '  counted from here on: the next time there is something to compare',
    );
    return;
  }
  const { counted, recorded, maybe, unnamed, differences, more } = comparison;
  console.log(`  the target counts ${counted}; ${recorded} recorded, ${maybe} that failed or had no answer yet, ${unnamed} not known by name`);
  for (const { text, ...counts } of differences) {
    const words = escapeControls(text.replaceAll(/\s+/g, ' ').slice(0, textMax), 'nothing');
    console.log(
      `  ${counts.counted} counted, ${counts.recorded} recorded, ${counts.maybe} maybe: ${words === '' ? 'a statement that the target does not count' : words}`,
    );
  }
  if (more > 0) {
    console.log(`  and ${more} more`);
  }
}
