import { resolve } from 'node:path';
import { countOf } from '@countersign/gateway/count-of';
import type { BackupReport } from '@countersign/gateway/backup';
import { exitCodes, verdictWords } from '@countersign/ledger';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { loadConfig } from '../configuration.ts';
import { configOption } from '../location-options.ts';
import { findRunning } from '../location.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';
import { verifyDirectory } from '../verify-directory.ts';

interface BackupOptions {
  readonly config: string;
  readonly data?: string;
  readonly out: string;
  readonly for: readonly string[];
  readonly json?: boolean;
}

export function addBackup(program: Command): void {
  program
    .command('backup')
    .description('copy the store, of a gateway that runs or does not, and verify the copy')
    .requiredOption('--out <dir>', 'where to: a new directory, or one with an earlier backup, to which only what is new is copied')
    .option('--for <recipient>', 'encrypt keys and tokens for this recipient of age (age1…), the root key too; can be repeated', collect, [])
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'a data directory on which no gateway runs').conflicts('config'))
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 done and verified, 1 no backup was made, 2 usage; else those of countersign verify for the copy.\n\nExample:\n  countersign backup --out /mnt/backup/countersign --for age1…',
    )
    .action(backUp);
}

async function backUp(options: BackupOptions): Promise<void> {
  const made = await makeBackup(options);
  const report = await verifyDirectory({ config: '', data: made.directory, key: [], bodies: false });
  // The exit code is set before anything is printed, so a reader that leaves early does not change it.
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    printJson({ ...made, verdict: report.verdict, findings: report.findings });
    return;
  }
  console.log(bold(verdictWords[report.verdict]));
  const lines = [
    `${countOf(made.size, 'record')} in ${made.directory}: ${countOf(made.files, 'file')}, ${countOf(made.bytes, 'byte')}, of which ${made.copiedBytes} were copied now`,
    ...report.findings.map(({ code, where, what }) => `${code}: ${where}: ${what}`),
    ...(report.verdict === 'holds' ? [] : ['Remove the files that are named here from the backup, and make it again: it copies what is missing.']),
    ...made.lacks,
  ];
  for (const line of lines) {
    console.log(`  ${escapeControls(line, 'nothing')}`);
  }
}

/** Has the running gateway make the backup. Without a gateway, or with `--data`, this process makes it. */
async function makeBackup({ config: file, data, out, for: recipients }: BackupOptions): Promise<BackupReport> {
  const order = { out: resolve(out), recipients };
  if (data !== undefined) {
    const { backUpOffline } = await import('@countersign/gateway/backup');
    return backUpOffline({ data, configured: { files: [], named: [] }, hasSharedStore: false }, order);
  }
  const config = await loadConfig({ config: file }, 'missing');
  if (findRunning(config.data) !== null) {
    return (await ApiClient.open({ config: file })).json<BackupReport>('POST', '/api/v1/backup', order);
  }
  const { backUpOffline, filesOfPolicy } = await import('@countersign/gateway/backup');
  const configured = { files: filesOfPolicy(config), named: config.files };
  return backUpOffline({ data: config.data, configured, hasSharedStore: config.store !== null }, order);
}
