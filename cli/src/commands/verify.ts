import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exitCodes, type Finding, type Verdict } from '@countersign/ledger/verdict.ts';
import { verifyFile } from '@countersign/ledger/verify-bundle.ts';
import { verifyStore, type StoreReport } from '@countersign/ledger/verify-store.ts';
import type { Command } from 'commander';
import { parseDuration } from '../duration.ts';
import { loadConfig } from '../location.ts';
import { openStoreFiles } from '../store-files.ts';
import { bold, escapeControls } from '../terminal.ts';

const fileBytesMax = 1024 * 1024 * 1024;
const progressMs = 500;

interface VerifyOptions {
  readonly config: string;
  readonly data?: string;
  readonly key: string[];
  readonly known?: string;
  readonly maxAge?: string;
  readonly json?: boolean;
}

const verdictWords: Readonly<Record<Verdict, string>> = {
  holds: 'HOLDS: the record is whole and signed',
  integrity: 'DOES NOT HOLD: something was changed',
  completeness: 'DOES NOT HOLD: something is missing',
  retention: 'DOES NOT HOLD: retention was not kept',
  trust: 'NOT TRUSTED: no signature by a trusted key, or older than it must be',
  malformed: 'NOT READABLE: this is not the format',
};

export function addVerify(program: Command): void {
  program
    .command('verify')
    .argument('[file]', 'a receipt or a bundle')
    .description('check a store, a bundle or a receipt, offline, with public keys only')
    .option('--config <file>', 'configuration that names the data directory', './countersign.yaml')
    .option('--data <dir>', 'data directory of a gateway, or a copy of it')
    .option('--key <vkey...>', 'keys to trust (the line in log/key, kept outside the store)', (value: string, before: string[]) => [...before, value], [])
    .option('--known <file>', 'a checkpoint that was kept elsewhere: the store must not be older, nor another history')
    .option('--max-age <duration>', 'how old the newest signed record may be')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 holds, 1 integrity, 2 completeness, 3 retention, 4 trust or freshness, 5 malformed.\n\nExample:\n  countersign verify --data ./countersign-data --key "$(cat auditor/key)"',
    )
    .action(verify);
}

async function verify(file: string | undefined, options: VerifyOptions): Promise<void> {
  const verdict = file === undefined ? await verifyDirectory(options) : await verifyOne(file, options);
  process.exitCode = exitCodes[verdict];
}

async function verifyDirectory(options: VerifyOptions): Promise<Verdict> {
  const data = options.data ?? loadConfig({ config: options.config }).data;
  if (!existsSync(join(data, 'journal'))) {
    process.stderr.write(`countersign: ${data} is no data directory of a gateway: it has no journal\n`);
    return 'malformed';
  }
  let shownMs = performance.now();
  const report = await verifyStore(openStoreFiles(data), {
    ...(options.key.length === 0 ? {} : { keys: options.key }),
    ...(options.known === undefined ? {} : { known: await readFile(options.known, 'utf8') }),
    ...(options.maxAge === undefined ? {} : { maxAgeMs: parseDuration(options.maxAge) }),
    onProgress: ({ bytes, bytesTotal }) => {
      if (process.stderr.isTTY && performance.now() - shownMs > progressMs) {
        shownMs = performance.now();
        process.stderr.write(`\r${Math.floor((bytes / bytesTotal) * 100)} %`);
      }
    },
  });
  print(report.verdict, report.findings, options, report, () => {
    printStore(report);
  });
  return report.verdict;
}

async function verifyOne(file: string, options: VerifyOptions): Promise<Verdict> {
  if ((await stat(file)).size > fileBytesMax) {
    throw new Error(`${file} is longer than ${fileBytesMax} bytes`);
  }
  const report = await verifyFile(await readFile(file), options.key.length === 0 ? {} : { keys: options.key });
  print(report.verdict, report.findings, options, report, () => undefined);
  return report.verdict;
}

// oxlint-disable-next-line max-params -- one call from each of the two above.
function print(verdict: Verdict, findings: readonly Finding[], options: VerifyOptions, report: object, details: () => void): void {
  if (options.json === true) {
    console.log(JSON.stringify(report));
    return;
  }
  console.log(bold(verdictWords[verdict]));
  details();
  for (const { code, where, what } of findings) {
    console.log(escapeControls(`  ${code}: ${where}: ${what}`, 'nothing'));
  }
  if (options.key.length === 0) {
    console.log('  No --key was given: what was checked is that it agrees with the key inside.');
  }
}

function printStore({ counts, newest, unsigned, leavesPerSecond }: StoreReport): void {
  console.log(`  ${counts.leaves} records of ${counts.sessions} sessions in ${counts.segments} segments, ${counts.epochs} epochs, ${counts.tiles} tiles`);
  if (newest !== undefined) {
    console.log(`  newest checkpoint over ${newest.size} records, the last of ${new Date(newest.lastLeafMs).toISOString()}`);
  }
  if (unsigned.leaves > 0 || unsigned.tornBytes > 0) {
    console.log(`  not yet under a checkpoint: ${unsigned.leaves} records${unsigned.tornBytes > 0 ? `, and ${unsigned.tornBytes} bytes of a torn tail` : ''}`);
  }
  console.log(`  ${Math.round(leavesPerSecond).toLocaleString('en-US')} records a second`);
}
