import type { TimestampStatus } from '@countersign/gateway/api';
import { countOf } from '@countersign/gateway/count-of';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';

export function addTimestamp(program: Command): void {
  const timestamp = program
    .command('timestamp')
    .description('timestamps of the log by an authority outside (RFC 3161)')
    .addHelpText('after', '\nExample:\n  countersign timestamp status');
  addLocation(timestamp.command('status'))
    .description('which checkpoint of the log the authority of timestamps has stamped')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExit code 1 if the authority gives none now.\n\nExample:\n  countersign timestamp status --json')
    .action(status);
}

async function status(options: LocationOptions & { readonly json?: boolean }): Promise<void> {
  const api = await ApiClient.open(options);
  const shown = await api.json<TimestampStatus>('GET', '/api/v1/timestamps');
  const { authority, stamped, records, failure } = shown;
  process.exitCode = failure === null ? 0 : 1;
  if (options.json === true) {
    printJson(shown);
    return;
  }
  const lines =
    authority === null
      ? ['no authority of timestamps is configured: timestamps: { rfc3161: URL }']
      : [
          stamped === null
            ? `nothing is stamped; ${countOf(records, 'record')} published`
            : `${stamped.records} of ${countOf(records, 'record')} stamped at ${stamped.time}`,
          ...(failure === null ? [authority] : [`${authority}: ${failure}`]),
        ];
  console.log(lines.map((line, i) => (i === 0 ? bold(line) : escapeControls(line, 'nothing'))).join('\n'));
}
