import { countOf } from '@countersign/gateway/count-of';
import type { ShownStorage } from '@countersign/gateway/api';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { loadConfig } from '../configuration.ts';
import { addLocation, configOption, type LocationOptions } from '../location-options.ts';
import type { RowOptions } from '../rows.ts';
import { escapeControls, printJson } from '../terminal.ts';

export function addStorage(program: Command): void {
  const storage = program
    .command('storage')
    .description('the bucket that gets what is recorded')
    .addHelpText('after', '\nExample:\n  countersign storage status');
  addLocation(storage.command('status'))
    .description('how far the bucket has the journal, and what is only there')
    .option('--json', 'print {bucket, kept, dropped, behindSegments, behindBytes, behindSince, failure}, or null')
    .addHelpText('after', '\nExit codes: 0 also while the bucket is behind, 1 if it cannot be asked.\n\nExample:\n  countersign storage status --json')
    .action(status);
  storage
    .command('restore')
    .description('make the journal again from the bucket, in a data directory that has keys.db and the root key')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the data directory, in place of the one of the configuration'))
    .option('--json', 'print {gatewayId, segments, left, tailBytes}')
    .addHelpText(
      'after',
      '\nExit codes: 0 restored, 1 nothing was changed.\n\nExample:\n  countersign storage restore --config countersign.yaml --data ./restored',
    )
    .action(restore);
}

async function restore(options: LocationOptions & RowOptions & { readonly data?: string }): Promise<void> {
  const { storage, keys, data } = await loadConfig(options);
  if (storage === null) {
    throw new Error(`${options.config} names no bucket: storage: { s3: { bucket: NAME } } (docs/storage.md)`);
  }
  const { restoreFromBucket } = await import('@countersign/gateway/restore-from-bucket');
  const restored = await restoreFromBucket(options.data ?? data, storage, { keys, environment: process.env });
  if (options.json === true) {
    printJson(restored);
    return;
  }
  const { gatewayId, segments, left, tailBytes } = restored;
  console.log(`the journal of gateway ${gatewayId} is made again: ${countOf(segments, 'complete segment')}, of which ${left} are left in the bucket`);
  console.log(
    tailBytes === 0
      ? 'of the segment that was written to last the bucket has nothing: what was recorded there is lost'
      : `and ${countOf(tailBytes, 'byte')} of what was written to last`,
  );
  console.log(
    'Start it with countersign up, which makes log/ again: a start that misses records says so, and goes on with --accept-rollback. Then check it with countersign verify.',
  );
}

async function status(options: LocationOptions & RowOptions): Promise<void> {
  const found = await (await ApiClient.open(options)).json<ShownStorage | null>('GET', '/api/v1/storage');
  if (options.json === true) {
    printJson(found);
    return;
  }
  for (const line of describe(found)) {
    console.log(escapeControls(line, 'nothing'));
  }
}

function describe(found: ShownStorage | null): readonly string[] {
  if (found === null) {
    return ['there is no bucket: storage: { s3: { bucket: NAME } } in the configuration names one (docs/storage.md)'];
  }
  const { bucket, kept, dropped, behindSegments, behindBytes, behindSince, failure } = found;
  return [
    `${bucket} has ${kept === 0 ? 'no segment yet' : `segments 1 to ${kept}`}${dropped === 0 ? '' : `; 1 to ${dropped} are only there`}`,
    behindSegments === 0
      ? 'it has all that is complete'
      : `it lacks ${countOf(behindSegments, 'complete segment')} of ${countOf(behindBytes, 'byte')}${behindSince === null ? '' : `, since ${behindSince}`}`,
    ...(failure === null ? [] : [`it did not take what was sent last: ${failure}`]),
  ];
}
