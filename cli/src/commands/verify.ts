import { countOf } from '@countersign/gateway/count-of';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootKeyVariable, type RootSource } from '@countersign/gateway/store';
import {
  compareIndex,
  JournalOpener,
  KeyStore,
  noKeyRows,
  openKeyRows,
  openRoot,
  readBucketRecord,
  type BucketRecord,
} from '@countersign/gateway/verification';
import {
  exitCodes,
  parseCertificates,
  parseWitnessPolicy,
  receiptHolds,
  verdictWords,
  verifyStore,
  type Certificate,
  type FileOptions,
  type FileReport,
  type StoreFiles,
  type StoreProgress,
  type StoreReport,
  type WitnessPolicy,
} from '@countersign/ledger';
import { Option, type Command } from 'commander';
import { collect, parseDate } from '../arguments.ts';
import { parseDuration } from '../duration.ts';
import { describeFailure } from '../failure.ts';
import { loadConfig } from '../configuration.ts';
import { meaningOnlyIf } from '../heeded-command.ts';
import { readKnown } from '../known-checkpoint.ts';
import { configOption } from '../location-options.ts';
import { readIdentity } from '../read-identity.ts';
import { openStoreFiles } from '../store-files.ts';
import { trustedKeys } from '../trusted-keys.ts';
import { describeFactsOnly } from '../facts-only.ts';
import { describeTimestamp } from '../described-timestamp.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';

const progressMs = 250;
const pausesShownMax = 5;

interface VerifyOptions {
  readonly config: string;
  readonly data?: string;
  readonly key: readonly string[];
  readonly known?: string;
  readonly storage?: boolean;
  readonly witnesses?: string;
  readonly timestamps?: string;
  readonly maxAge?: number;
  readonly bodies: boolean;
  readonly retention?: boolean;
  readonly at?: string;
  readonly identity?: string;
  readonly json?: boolean;
}

export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .argument('[file]', 'a receipt, a bundle, or a page of evidence; without it a whole store')
    .description('check a store, a bundle, a receipt or evidence, offline, with public keys only')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the store: the data directory of a gateway, or a copy of it').conflicts('config'))
    .option('--key <vkey>', 'a key to trust, or the file that holds it (log/key, kept outside the store); can be repeated', collect, [])
    .option('--known <file>', 'a checkpoint that was kept elsewhere: the store or file must not be older, and must be of the same history')
    .option(
      '--max-age <duration>',
      'the greatest allowed age of the newest signed record of the store, or of the newest in the file, for instance 1h',
      parseDuration,
    )
    .option(
      '--witnesses <file>',
      'a policy of witnesses (c2sp.org/tlog-policy): the cosigned checkpoints of the store must meet its quorum; with --max-age the newest must not be older',
    )
    .option(
      '--timestamps <file>',
      'PEM file of authorities of timestamps (RFC 3161): each stamped checkpoint must have a timestamp by them, and there must be one; with --max-age the newest of a store must not be older',
    )
    .option('--storage', 'read from the bucket what is only there, with the credentials that bucket.json in the store names')
    .option('--retention', 'also check that what was kept and what was deleted is what retention says')
    .option('--at <date>', 'with --retention: the day for which it is judged, in UTC: 2027-06-30; by default today', parseDate)
    .option('--identity <file>', 'the file of an identity of age for which a page of evidence was encrypted')
    .option('--no-bodies', 'do not open sealed bodies even if their keys are at hand, which is faster')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 holds, 1 integrity, 2 completeness, 3 retention, 4 trust or freshness, 5 malformed or unreadable.\n\nExample:\n  countersign verify --data ./countersign-data --key auditor/key\n  countersign verify --retention --data ./countersign-data --key auditor/key',
    )
    .action(verify);
  meaningOnlyIf(command, ['config', 'data', 'bodies', 'storage', 'witnesses', 'retention', 'at'], ([file]) => file === undefined);
  meaningOnlyIf(command, ['at'], (_words, { retention }) => retention === true);
  meaningOnlyIf(command, ['identity'], ([file]) => file !== undefined);
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
  const bucket = readBucketRecord(options.data ?? (await loadConfig(options)).data);
  const isStore = report.keySource !== 'none' || report.counts.segments > 0;
  const index = await checkIndex(options);
  // The exit code is set before anything is printed, so a reader that leaves early does not change it.
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    printJson({ ...report, index: index.state, ...(bucket === null ? {} : { onlyInBucket: bucket.dropped }) });
  } else if (isStore) {
    print(report, [...describeStore(report), ...(bucket === null ? [] : describeBucket(bucket, options.storage === true))]);
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
  const { data, ...source } = await storeOf(options);
  return compareIndex(data, source).then(
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
  const verified = await verifyFileAt(file, {
    ...freshnessOf(options),
    ...(options.identity === undefined ? {} : { identity: readIdentity(options.identity) }),
  });
  const { report, facts } = verified;
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    const { principals, targets, firstMs, lastMs } = facts;
    printJson(report.form === 'bundle' || report.form === 'evidence' ? { ...report, says: { principals, targets, firstMs, lastMs } } : report);
  } else {
    print(report, describeFile(verified, options.key.length > 0));
  }
}

/** The trusted keys and the greatest age, which both kinds of check use. */
function freshnessOf(options: VerifyOptions): FileOptions {
  return {
    ...trustedKeys(options),
    ...(options.known === undefined ? {} : { known: readKnown(options.known) }),
    ...(options.timestamps === undefined ? {} : { timestamps: readAuthorities(options.timestamps) }),
    ...(options.maxAge === undefined ? {} : { maxAgeMs: options.maxAge }),
  };
}

function readAuthorities(file: string): readonly Certificate[] {
  try {
    return parseCertificates(readFileSync(file));
  } catch (cause) {
    throw new Error(`--timestamps ${file}: ${describeFailure(cause)}. It is a PEM file with the certificates of the authorities that are trusted.`, { cause });
  }
}

function readPolicy(file: string): WitnessPolicy {
  try {
    return parseWitnessPolicy(readFileSync(file));
  } catch (cause) {
    throw new Error(
      `--witnesses ${file}: ${describeFailure(cause)}. It is a policy as c2sp.org/tlog-policy describes, for instance one that \`countersign witness serve\` prints.`,
      { cause },
    );
  }
}

export async function verifyDirectory(options: VerifyOptions): Promise<StoreReport> {
  const { data, ...source } = await storeOf(options);
  if (!isDirectory(data)) {
    throw new Error(`there is no directory ${data}: a store is a gateway's data directory, or a copy of journal/ and log/ from it`);
  }
  const progress = showProgress();
  using keyRows = openKeys(data);
  using bodies = options.bodies ? await openBodies(data, source) : null;
  const bucket = readBucketRecord(data);
  const report = await verifyStore(await openFiles(data, options.storage === true ? bucket : null), {
    ...freshnessOf(options),
    ...(options.witnesses === undefined ? {} : { witnesses: readPolicy(options.witnesses) }),
    ...(keyRows === null ? {} : { keyRows }),
    ...(options.retention === true ? { retentionAtMs: options.at === undefined ? Date.now() : Date.parse(options.at) } : {}),
    ...(bodies === null ? {} : { bodies }),
    onProgress: progress.show,
  });
  progress.clear();
  return report;
}

/** Opens the files of a store, with those that only its bucket has if it is given. */
async function openFiles(data: string, bucket: BucketRecord | null): Promise<StoreFiles> {
  const files = openStoreFiles(data);
  if (bucket === null || bucket.dropped === 0) {
    return files;
  }
  // Loaded only where a bucket is read.
  const { filesWithBucket } = await import('@countersign/gateway/bucket-files');
  return filesWithBucket(files, bucket);
}

/** Says which segments are only in the bucket, and whether they were read there. */
function describeBucket({ dropped, bucket: { bucket, prefix } }: BucketRecord, isRead: boolean): string[] {
  const where = `s3://${bucket}/${prefix}`;
  return dropped === 0
    ? []
    : [
        isRead
          ? `segments 1 to ${dropped} were read from ${where}, which alone has them`
          : `segments 1 to ${dropped} are only in ${where}, and were not read there: --storage reads them`,
      ];
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

/** The store that the options name, and where its root secret is found. */
async function storeOf(options: VerifyOptions): Promise<RootSource & { readonly data: string }> {
  const environment = process.env;
  if (options.data !== undefined) {
    return { data: options.data, environment };
  }
  const { data, keys } = await loadConfig(options);
  return { data, keys, environment };
}

/** Makes the opener of bodies. Null if the key store or the root key is missing. A root secret that cannot be unwrapped is told of each body. */
async function openBodies(data: string, source: RootSource): Promise<JournalOpener | null> {
  const hasRoot = (source.keys?.root ?? null) !== null || source.environment?.[rootKeyVariable] !== undefined || isThere(data, 'root.key');
  if (!hasRoot || !isThere(data, 'keys.db')) {
    return null;
  }
  const root = openRoot(data, { ...source, isNew: false });
  const opened = await root.then(
    ({ secret }) =>
      () =>
        secret,
    (error: unknown) => () => {
      throw error;
    },
  );
  return new JournalOpener(() => KeyStore.openReadOnly(join(data, 'keys.db'), opened()));
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

function describeStore({
  counts,
  pauses,
  losses,
  restorations,
  newest,
  cosigned,
  timestamps,
  retention,
  unsigned,
  closed,
  followed,
  leavesPerSecond,
  keySource,
}: StoreReport): string[] {
  const state = closed ? ' The gateway was stopped in good order.' : followed ? ' The gateway is running, or was not stopped in good order.' : '';
  const { leaves, factsOnly, sessions, sessionsOpen, segments, epochs, tiles, keys, bodies } = counts;
  return [
    `${countOf(leaves, 'record')} of ${countOf(sessions, 'session')} (${sessionsOpen} open), ${countOf(epochs, 'epoch')}, ${countOf(segments, 'segment')}, ${countOf(tiles, 'tile')}`,
    ...(newest === undefined ? [] : [`signed up to record ${newest.size}, made at ${new Date(newest.lastLeafMs).toISOString()}.${state}`]),
    ...(cosigned === undefined ? [] : [describeCosigned(cosigned)]),
    ...(timestamps === undefined ? [] : [describeStamped(timestamps)]),
    ...describeFactsOnly(factsOnly),
    ...(followed ? [] : ['the journal could be followed no further: what lies behind this was not checked, and is in none of these counts']),
    ...(keySource === 'none' ? ['there is no key in it to check signatures with: give log/key of the gateway, kept elsewhere, as --key'] : []),
    ...losses.flatMap(describeLoss),
    ...restorations.map(
      ({ epoch, index, size }) =>
        `epoch ${epoch}, from record ${index} on, was recorded by a copy that was restored from a backup of ${countOf(size, 'record')}`,
    ),
    ...describePauses(counts.pauses, pauses),
    keys === undefined
      ? 'without the key store: whether the bodies can still be opened was not checked'
      : `${countOf(keys, 'key')} announced and compared with the key store`,
    describeBodies(bodies),
    ...(retention === undefined ? [] : [describeRetention(retention)]),
    ...(unsigned.leaves === 0 ? [] : [`not yet under a signature: ${countOf(unsigned.leaves, 'record')}`]),
    ...(unsigned.tornBytes === 0
      ? []
      : [
          `behind the last record ${unsigned.tornBytes === 1 ? 'is' : 'are'} ${countOf(unsigned.tornBytes, 'byte')} that ${unsigned.tornBytes === 1 ? 'is' : 'are'} neither a record nor empty: what a crash left of a write, or damage where nothing was recorded. Nothing that is signed, or was written later, says that a record was there`,
        ]),
    ...(leaves < leavesForRateMin ? [] : [`${Math.round(leavesPerSecond).toLocaleString('en-US')} records a second`]),
  ];
}

function describeCosigned({ checkpoints, newest }: NonNullable<StoreReport['cosigned']>): string {
  if (newest === undefined) {
    return `${countOf(checkpoints, 'cosigned checkpoint')}, none of which meets the policy of witnesses`;
  }
  const { size, quorumMs, witnesses } = newest;
  const when = quorumMs === null ? '' : `: a quorum knew no larger log at ${new Date(quorumMs).toISOString()}, by the clocks of the witnesses`;
  return `${countOf(checkpoints, 'cosigned checkpoint')}, the newest over record ${size} by ${witnesses.join(', ') || 'no witness'}${when}`;
}

function describeStamped({ checkpoints, newest }: NonNullable<StoreReport['timestamps']>): string {
  const rest = newest === undefined ? 'none by a trusted authority' : `the newest over record ${newest.size}: ${describeTimestamp(newest)}`;
  return `${countOf(checkpoints, 'stamped checkpoint')}, ${rest}`;
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

/** Says what was deleted, by cause and class. */
function describeRetention({ atMs, erased, pending }: NonNullable<StoreReport['retention']>): string {
  const destroyed = erased.map(({ cause, class: number, count }) =>
    number === null ? `${countOf(count, 'secret')} ${cause}` : `${countOf(count, 'key')} of class ${number} ${cause}`,
  );
  const words = [
    destroyed.length === 0 ? 'nothing was deleted' : `deleted: ${destroyed.join(', ')}`,
    ...(pending === 0 ? [] : [`${countOf(pending, 'erasure')} announced and not completed yet`]),
  ];
  return `retention, judged for ${new Date(atMs).toISOString().slice(0, 10)}: ${words.join('; ')}`;
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
