import { countOf } from '@countersign/gateway/count-of';
import type { RootSource } from '@countersign/gateway/store';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { loadConfig } from '../configuration.ts';
import { addLocation } from '../location-options.ts';
import { findRunning } from '../location.ts';
import type { SourceOptions } from '../session-source.ts';
import { requireUsualSecrets } from '../usual-secrets.ts';

interface Rebuilt {
  readonly sessions: number;
  readonly records: number;
}

export function addIndex(program: Command): void {
  const index = program
    .command('index')
    .description('index.db: where sessions are in the journal')
    .addHelpText('after', '\nExample:\n  countersign index rebuild');
  addLocation(index.command('rebuild'))
    .description('make it again from the journal; nothing is lost')
    .addOption(new Option('--data <dir>', 'a data directory on which no gateway runs').conflicts(['config', 'url']))
    .addHelpText('after', '\nExample:\n  countersign index rebuild --data ./countersign-data')
    .action(rebuild);
}

async function rebuild(options: SourceOptions): Promise<void> {
  const { sessions, records } = await rebuilt(options);
  console.log(`index.db is made again: ${countOf(sessions, 'session')}, ${countOf(records, 'record')}`);
}

/** Has the running gateway make the index again. Without a gateway, or with `--data`, this process makes it. */
async function rebuilt(options: SourceOptions): Promise<Rebuilt> {
  if (options.data !== undefined) {
    requireUsualSecrets(options.data);
    return rebuildHere(options.data, { environment: process.env });
  }
  if (options.url === undefined) {
    const { data, keys } = await loadConfig(options);
    if (findRunning(data) === null) {
      return rebuildHere(data, { keys, environment: process.env });
    }
  }
  return (await ApiClient.open(options)).json<Rebuilt>('POST', '/api/v1/index/rebuild', {});
}

async function rebuildHere(data: string, source: RootSource): Promise<Rebuilt> {
  const { rebuildIndexOffline } = await import('@countersign/gateway/offline-index');
  return rebuildIndexOffline(data, source);
}
