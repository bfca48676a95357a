import { countOf } from '@countersign/gateway/count-of';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootKeyEnvironment, rootKeyVariable } from '@countersign/gateway/store';
import { compareIndex, JournalOpener, KeyStore, noKeyRows, openKeyRows, openRootKey } from '@countersign/gateway/verification';
import {
  exitCodes,
  receiptHolds,
  verdictWords,
  verifyStore,
  type FileOptions,
  type FileReport,
  type StoreProgress,
  type StoreReport,
} from '@countersign/ledger';
import { Option, type Command } from 'commander';
import { collect } from '../arguments.ts';
import { parseDuration } from '../duration.ts';
import { describeFailure } from '../failure.ts';
import { loadConfig } from '../configuration.ts';
import { meaningOnlyIf } from '../heeded-command.ts';
import { configOption } from '../location-options.ts';
import { openStoreFiles } from '../store-files.ts';
import { trustedKeys } from '../trusted-keys.ts';
import { describeFactsOnly } from '../facts-only.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';

const progressMs = 250;
const pausesShownMax = 5;

interface VerifyOptions {
  readonly config: string;
  readonly data?: string;
  readonly key: readonly string[];
  readonly known?: string;
  readonly maxAge?: number;
  readonly bodies: boolean;
  readonly json?: boolean;
}

export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .argument('[file]', 'a receipt or a bundle; without it a whole store')
    .description('check a store, a bundle or a receipt, offline, with public keys only')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the store: the data directory of a gateway, or a copy of it').conflicts('config'))
    .option('--key <vkey>', 'a key to trust, or the file that holds it (log/key, kept outside the store); can be repeated', collect, [])
    .option('--known <file>', 'a checkpoint that was kept elsewhere: the store or file must not be older, and must be of the same history')
    .option(
      '--max-age <duration>',
      'the greatest allowed age of the newest signed record of the store, or of the newest in the file, for instance 1h',
      parseDuration,
    )
    .option('--no-bodies', 'do not open sealed bodies even if their keys are at hand, which is faster')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 holds, 1 integrity, 2 completeness, 3 retention, 4 trust or freshness, 5 malformed or unreadable.\n\nExample:\n  countersign verify --data ./countersign-data --key auditor/key',
    )
    .action(verify);
  meaningOnlyIf(command, ['config', 'data', 'bodies'], ([file]) => file === undefined);
}

async function verify(file: string | undefined, options: VerifyOptions): Promise<void> {
  try {
    await (file === undefined ? verifyStoreAndPrint(options) : verifyFileAndPrint(file, options));
  } catch (error) {
    // The exit codes 1 to 4 accuse somebody, so input that cannot be read never leads to one of them.
    process.stderr.write(`countersign: ${escapeControls(describeFailure(error), 'lines')}\n`);
    process.exitCode = exitCodes.malformed;
  }
}

async function verifyStoreAndPrint(options: VerifyOptions): Promise<void> {
  const report = await verifyDirectory(options);
  const isStore = report.keySource !== 'none' || report.counts.segments > 0;
  const index = await checkIndex(options);
  // The exit code is set before anything is printed, so a reader that leaves early does not change it.
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    printJson({ ...report, index: index.state });
  } else if (isStore) {
    print(report, describeStore(report));
    console.log(index.words);
  } else {
    print(report, ["a store is a gateway's data directory, or a copy of journal/ and log/ from it"]);
  }
}

/** With fewer records, the rate at which they were verified is that of the start of the command. */
const leavesForRateMin = 10_000;

interface IndexCheck {
  readonly state: 'agrees' | 'differs' | 'unchecked';
  readonly words: string;
}

const indexChecks: Readonly<Record<Awaited<ReturnType<typeof compareIndex>>, IndexCheck>> = {
  agrees: { state: 'agrees', words: 'index.db agrees with the journal' },
  differs: {
    state: 'differs',
    words: 'index.db DOES NOT AGREE with the journal: countersign index rebuild makes it again. It is a cache and no part of the record',
  },
  missing: notCompared('it is not there. It is a cache and no part of the record'),
  written: notCompared('a gateway is writing it, or was when it was killed or when this copy was made'),
};

/** Compares the index with the journal. The index is a cache and no part of the record, so the result has no influence on the verdict. */
async function checkIndex(options: VerifyOptions): Promise<IndexCheck> {
  const { data, rootKey } = options.data === undefined ? await loadConfig(options) : { data: options.data, rootKey: null };
  return compareIndex(data, rootKeyEnvironment(rootKey, process.env)).then(
    (found) => indexChecks[found],
    (error: unknown) => notCompared(describeFailure(error)),
  );
}

function notCompared(why: string): IndexCheck {
  return { state: 'unchecked', words: `index.db was not compared with the journal: ${escapeControls(why, 'nothing')}` };
}

async function verifyFileAndPrint(file: string, options: VerifyOptions): Promise<void> {
  // Loaded here, because the check of a store does not need it.
  const { describeFile, verifyFileAt } = await import('../verify-file.ts');
  const verified = await verifyFileAt(file, freshnessOf(options));
  const { report, facts } = verified;
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    const { principals, targets, firstMs, lastMs } = facts;
    printJson(report.form === 'bundle' ? { ...report, says: { principals, targets, firstMs, lastMs } } : report);
  } else {
    print(report, describeFile(verified, options.key.length > 0));
  }
}

/** The trusted keys and the greatest age, which both kinds of check use. */
function freshnessOf(options: VerifyOptions): FileOptions {
  return {
    ...trustedKeys(options),
    ...(options.known === undefined ? {} : { known: readKnown(options.known) }),
    ...(options.maxAge === undefined ? {} : { maxAgeMs: options.maxAge }),
  };
}

function readKnown(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`--known ${describeFailure(cause)}. It is a copy of log/checkpoint, kept apart from what is checked.`, { cause });
  }
}

async function verifyDirectory(options: VerifyOptions): Promise<StoreReport> {
  const { data, rootKey } = options.data === undefined ? await loadConfig(options) : { data: options.data, rootKey: null };
  if (!isDirectory(data)) {
    throw new Error(`there is no directory ${data}: a store is a gateway's data directory, or a copy of journal/ and log/ from it`);
  }
  const progress = showProgress();
  using keyRows = openKeys(data);
  using bodies = options.bodies ? openBodies(data, rootKeyEnvironment(rootKey, process.env)) : null;
  const report = await verifyStore(openStoreFiles(data), {
    ...freshnessOf(options),
    ...(keyRows === null ? {} : { keyRows }),
    ...(bodies === null ? {} : { bodies }),
    onProgress: progress.show,
  });
  progress.clear();
  return report;
}

/** A directory with one of these files is a gateway's own. An auditor has a copy of only `journal` and `log`. */
const ownFiles = ['root.key', 'identity.db', 'keys.db-journal'];

/** Opens the key store. Null if there is none and none is expected. */
function openKeys(data: string): ReturnType<typeof openKeyRows> | null {
  if (isThere(data, 'keys.db')) {
    return openKeyRows(join(data, 'keys.db'));
  }
  return ownFiles.some((name) => isThere(data, name)) ? noKeyRows : null;
}

/** Makes the opener of bodies. Null if the key store or the root key is missing. */
function openBodies(data: string, environment: NodeJS.ProcessEnv): JournalOpener | null {
  const hasRoot = environment[rootKeyVariable] !== undefined || isThere(data, 'root.key');
  return hasRoot && isThere(data, 'keys.db')
    ? new JournalOpener(() => KeyStore.openReadOnly(join(data, 'keys.db'), openRootKey(data, environment, false)))
    : null;
}

function isThere(data: string, name: string): boolean {
  return lstatSync(join(data, name), { throwIfNoEntry: false }) !== undefined;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Shows the progress of the check, on a terminal only. */
function showProgress(): { readonly show: (progress: StoreProgress) => void; readonly clear: () => void } {
  let shownMs = performance.now();
  let isShown = false;
  return {
    show: ({ bytes, bytesTotal }) => {
      if (process.stderr.isTTY && performance.now() - shownMs > progressMs) {
        shownMs = performance.now();
        isShown = true;
        process.stderr.write(`\r${Math.floor((bytes / Math.max(1, bytesTotal)) * 100)} % of ${Math.ceil(bytesTotal / 2 ** 20)} MiB`);
      }
    },
    clear: () => {
      process.stderr.write(isShown ? '\r\u001B[K' : '');
    },
  };
}

function print(report: StoreReport | FileReport, lines: readonly string[]): void {
  const isReceipt = 'form' in report && report.form === 'receipt';
  console.log(bold(isReceipt && report.verdict === 'holds' ? receiptHolds : verdictWords[report.verdict]));
  for (const line of lines) {
    console.log(`  ${escapeControls(line, 'nothing')}`);
  }
  for (const { code, where, what } of report.findings) {
    console.log(escapeControls(`  ${code}: ${where}: ${what}`, 'nothing'));
  }
  const [first] = report.findings;
  if (first?.code === 'integrity' && first.where.startsWith('journal/') && report.findings.some(({ code }) => code === 'completeness')) {
    console.log('  Something may count as missing because of the damage above: records after a place where the journal cannot be followed are not counted.');
  }
  if (report.findingsDropped > 0) {
    console.log(`  and ${countOf(report.findingsDropped, 'finding')} more`);
  }
  if (report.keySource === 'store' || report.keySource === 'bundle') {
    console.log(
      '  Without --key, only the agreement with the key inside was checked, not whose key that is. Give log/key of the gateway, kept elsewhere, as --key.',
    );
  }
}

function describeStore({ counts, pauses, losses, newest, unsigned, closed, followed, leavesPerSecond, keySource }: StoreReport): string[] {
  const state = closed ? ' The gateway was stopped in good order.' : followed ? ' The gateway is running, or was not stopped in good order.' : '';
  const { leaves, factsOnly, sessions, sessionsOpen, segments, epochs, tiles, keys, bodies } = counts;
  return [
    `${countOf(leaves, 'record')} of ${countOf(sessions, 'session')} (${sessionsOpen} open), ${countOf(epochs, 'epoch')}, ${countOf(segments, 'segment')}, ${countOf(tiles, 'tile')}`,
    ...(newest === undefined ? [] : [`signed up to record ${newest.size}, made at ${new Date(newest.lastLeafMs).toISOString()}.${state}`]),
    ...describeFactsOnly(factsOnly),
    ...(followed ? [] : ['the journal could be followed no further: what lies behind this was not checked, and is in none of these counts']),
    ...(keySource === 'none' ? ['there is no key in it to check signatures with: give log/key of the gateway, kept elsewhere, as --key'] : []),
    ...losses.flatMap(describeLoss),
    ...describePauses(counts.pauses, pauses),
    keys === undefined
      ? 'without the key store: whether the bodies can still be opened was not checked'
      : `${countOf(keys, 'key')} announced and compared with the key store`,
    describeBodies(bodies),
    ...(unsigned.leaves === 0 ? [] : [`not yet under a signature: ${countOf(unsigned.leaves, 'record')}`]),
    ...(unsigned.tornBytes === 0
      ? []
      : [
          `behind the last record ${unsigned.tornBytes === 1 ? 'is' : 'are'} ${countOf(unsigned.tornBytes, 'byte')} that ${unsigned.tornBytes === 1 ? 'is' : 'are'} neither a record nor empty: what a crash left of a write, or damage where nothing was recorded. Nothing that is signed, or was written later, says that a record was there`,
        ]),
    ...(leaves < leavesForRateMin ? [] : [`${Math.round(leavesPerSecond).toLocaleString('en-US')} records a second`]),
  ];
}

/** Describes a loss that the operator accepted (`up --accept-rollback`). Somebody who kept a newer checkpoint also finds it with --known. */
function describeLoss({ epoch, index, records, key }: StoreReport['losses'][number]): string[] {
  const lost = [
    ...(records === null ? [] : [`of ${countOf(records, 'record')} that were known, those from ${index} on are gone`]),
    ...(key === null ? [] : [`the newest keys up to ${key} are gone, and what they open`]),
  ];
  return [`epoch ${epoch} declares a loss: ${lost.join('; ')}`];
}

/** Describes pauses. They are not findings: the gateway states under its signature that it recorded nothing in that time, and the records around it agree. */
function describePauses(count: number, pauses: StoreReport['pauses']): string[] {
  const lines = pauses.slice(0, pausesShownMax).map(({ from, to, monotonic }) => {
    const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
    return `nothing was recorded from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}: ${seconds(to - from)} by the clock, ${seconds(monotonic)} measured`;
  });
  return count > lines.length ? [...lines, `and in ${countOf(count - lines.length, 'pause')} more`] : lines;
}

function describeBodies(bodies: StoreReport['counts']['bodies']): string {
  if (bodies === undefined) {
    return 'the sealed bodies were not opened: whether they are what their leaves commit to was not checked';
  }
  const { opened, erased, mismatched, unreadable } = bodies;
  const rest = [
    ...(mismatched === 0 ? [] : [`${mismatched} ${mismatched === 1 ? 'is' : 'are'} not`]),
    ...(erased === 0 ? [] : [`${erased} ${erased === 1 ? 'is' : 'are'} erased`]),
    ...(unreadable === 0 ? [] : [`${unreadable} could not be opened`]),
  ];
  return [
    opened === 1 ? '1 sealed body was opened and is what its leaf commits to' : `${opened} sealed bodies were opened and are what their leaves commit to`,
    ...rest,
  ].join(', ');
}
