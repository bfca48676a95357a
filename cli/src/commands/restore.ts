import { resolve } from 'node:path';
import { countOf } from '@countersign/gateway/count-of';
import { exitCodes, verdictWords } from '@countersign/ledger';
import type { Command } from 'commander';
import { readIdentity } from '../read-identity.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';
import { verifyDirectory } from '../verify-directory.ts';

interface RestoreOptions {
  readonly data: string;
  readonly identity?: string;
  readonly known?: string;
  readonly json?: boolean;
}

export function addRestore(program: Command): void {
  program
    .command('restore')
    .description('make a data directory from a backup, and verify it')
    .argument('<dir>', 'the backup')
    .requiredOption('--data <dir>', 'the data directory that is made: an empty directory, or one that is not there')
    .option('--identity <file>', 'the file of an identity of age for which the backup was encrypted')
    .option('--known <file>', 'a checkpoint (log/checkpoint) that was kept elsewhere: a backup that is older does not pass')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nStop the gateway from which the backup is, for good, before one starts on the copy: two that go on from the same record contradict each other, and everybody who kept a checkpoint of one can prove it.\n\nExit codes: 0 done and verified, 1 not restored, 2 usage; else those of countersign verify.\n\nExample:\n  countersign restore /mnt/backup/countersign --data ./countersign-data --identity key.txt',
    )
    .action(restore);
}

async function restore(backup: string, { data: directory, identity, known, json }: RestoreOptions): Promise<void> {
  // Loaded here, so that the help does not need it.
  const { endRestoring, restoreBackup } = await import('@countersign/gateway/backup');
  const data = resolve(directory);
  const { gateway, size, made } = await restoreBackup({ backup, data, identities: identity === undefined ? null : readIdentity(identity) });
  const report = await verifyDirectory({ config: '', data, key: [], bodies: false, ...(known === undefined ? {} : { known }) });
  const holds = report.verdict === 'holds';
  if (holds) {
    endRestoring(data);
  }
  // The exit code is set before anything is printed, so a reader that leaves early does not change it.
  process.exitCode = exitCodes[report.verdict];
  if (json === true) {
    printJson({ data, gateway, size, made, verdict: report.verdict, findings: report.findings });
    return;
  }
  console.log(bold(verdictWords[report.verdict]));
  const lines = [
    `${countOf(size, 'record')} of gateway ${gateway} in ${data}, from the backup of ${made}`,
    ...report.findings.map(({ code, where, what }) => `${code}: ${where}: ${what}`),
    holds
      ? `Its configuration is below ${data}/config. The next start records that the store was restored. The gateway from which it is must be stopped for good.`
      : 'No gateway starts on it. Restore another backup.',
  ];
  for (const line of lines) {
    console.log(`  ${escapeControls(line, 'nothing')}`);
  }
}
