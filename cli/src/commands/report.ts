import type { ListedReport, MadeReport } from '@countersign/gateway/api';
import { replaceWholeFile } from '@countersign/gateway/store';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { reportMarkdown } from '../report-markdown.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { escapeControls } from '../terminal.ts';

interface ReportOptions extends LocationOptions {
  readonly since?: string;
  readonly until?: string;
  readonly out?: string;
  readonly json?: boolean;
}

const path = '/api/v1/reports';

export function addReport(program: Command): void {
  const command = addLocation(program.command('report').argument('<name>', 'the name of a report, as countersign report list prints it'))
    .description('what the record and the configuration show for the requirements of a regulation, with proofs, and what is missing; it has no score')
    .option('--since <time>', 'only records from this time on, or of this age: 2026-07-01, 90d')
    .option('--until <time>', 'only records up to this time')
    .option('--out <file>', 'instead of standard output: FILE.md')
    .option('--json', 'as one JSON object, with the receipt of each record')
    .addHelpText('after', '\nExample:\n  countersign report pci-dss --since 2026-07-01 --until 2026-09-30 --out pci-q3.md')
    .action(report);
  addLocation(command.command('list'))
    .description('the regulations for which there is a report')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign report list')
    .action(list);
}

async function report(name: string, options: ReportOptions): Promise<void> {
  const { since, until, out, json = false } = options;
  const asked = new URLSearchParams(Object.entries({ since, until }).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const made = await (await ApiClient.open(options)).json<MadeReport>('GET', `${path}/${encodeURIComponent(name)}?${asked.toString()}`);
  const text = json ? `${JSON.stringify(made)}\n` : reportMarkdown(made);
  if (out === undefined) {
    process.stdout.write(escapeControls(text, 'lines'));
  } else {
    await replaceWholeFile(out, text);
    console.log(`wrote ${out}`);
  }
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const reports = await (await ApiClient.open(options)).json<readonly ListedReport[]>('GET', path);
  await printRows(reports, options, ({ name, title }) => columns(name, title));
}
