import { compareIndex, readBucketRecord } from '@countersign/gateway/verification';
import { exitCodes } from '@countersign/ledger';
import { Option, type Command } from 'commander';
import { collect, parseDate } from '../arguments.ts';
import { loadConfig } from '../configuration.ts';
import { describeBucket, describeStore } from '../described-store.ts';
import { parseDuration } from '../duration.ts';
import { describeFailure } from '../failure.ts';
import { meaningOnlyIf } from '../heeded-command.ts';
import { configOption } from '../location-options.ts';
import { printReport } from '../printed-report.ts';
import { readIdentity } from '../read-identity.ts';
import { escapeControls, printJson } from '../terminal.ts';
import { freshnessOf, storeOf, verifyDirectory, type StoreVerification } from '../verify-directory.ts';
import { requireUsualSecrets } from '../usual-secrets.ts';

interface VerifyOptions extends StoreVerification {
  readonly identity?: string;
  readonly anchor?: string;
  readonly anchorKey: readonly string[];
  readonly anchorWitnesses?: string;
  readonly since?: string;
  readonly until?: string;
  readonly json?: boolean;
}

export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .argument('[file...]', 'a receipt, a bundle, or a page of evidence; without it a whole store. With --anchor: the stores of all gateways')
    .description('check a store, a bundle, a receipt or evidence, offline, with public keys only')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the store: the data directory of a gateway, or a copy of it').conflicts('config'))
    .option(
      '--key <vkey>',
      'a key to trust, or the file that holds it (log/key, or the keyring log/keys, kept outside the store); can be repeated, for several logs too',
      collect,
      [],
    )
    .option(
      '--known <file>',
      'a checkpoint that was kept elsewhere: the store or file must not be older, and must be of the same history. With --anchor: one of the anchor log',
    )
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
    .option(
      '--anchor <place>',
      'the anchor log of a witness, its directory or URL (https://witness.example/anchor): the stores must be those of all gateways that are enrolled in it, and have all that it has seen of them',
    )
    .option('--anchor-key <vkey>', 'the key of the anchor log, or the file that holds it, kept elsewhere; can be repeated', collect, [])
    .option('--anchor-witnesses <file>', 'a policy of witnesses that the newest cosigned checkpoint of the anchor log must meet')
    .option('--since <date>', 'with --anchor: gateways that were retired before this day need no store: 2026-07-01', parseDate)
    .option('--until <date>', 'with --anchor: gateways that were enrolled after this day need no store: 2026-09-30', parseDate)
    .option(
      '--storage',
      'read from the bucket what is only there; of a store that --data names with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN alone',
    )
    .option('--retention', 'also check that what was kept and what was deleted is what retention says')
    .option('--at <date>', 'with --retention: the day for which it is judged, in UTC: 2027-06-30; by default today', parseDate)
    .option('--identity <file>', 'the file of an identity of age for which a page of evidence was encrypted')
    .option('--no-bodies', 'do not open sealed bodies even if their keys are at hand, which is faster')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 holds, 1 integrity, 2 completeness, 3 retention, 4 trust or freshness, 5 malformed or unreadable.\n\nExample:\n  countersign verify --data ./countersign-data --key auditor/key\n  countersign verify --retention --data ./countersign-data --key auditor/key\n  countersign verify --anchor kept/anchor --anchor-key kept/anchor-key --since 2026-07-01 --until 2026-09-30 gateway-a gateway-b',
    )
    .action(verify);
  const isOfFile = (words: readonly unknown[]): boolean => Array.isArray(words[0]) && words[0].length > 0;
  meaningOnlyIf(command, ['config', 'data'], (words) => !isOfFile(words), 'it names a store, and here files are named');
  meaningOnlyIf(
    command,
    ['bodies', 'storage', 'witnesses', 'retention', 'at'],
    (words, { anchor }) => !isOfFile(words) || anchor !== undefined,
    'it is for a store (--data DIR), and a file is no store',
  );
  meaningOnlyIf(command, ['at'], (_words, { retention }) => retention === true, 'it goes with --retention');
  meaningOnlyIf(command, ['identity'], (words, { anchor }) => isOfFile(words) && anchor === undefined, 'it goes with a page of evidence');
  meaningOnlyIf(command, ['anchorKey', 'anchorWitnesses', 'since', 'until'], (_words, { anchor }) => anchor !== undefined, 'it goes with --anchor');
}

async function verify(files: readonly string[], options: VerifyOptions): Promise<void> {
  try {
    const [file, second] = files;
    const { anchor } = options;
    if (anchor !== undefined) {
      // Loaded here, because the check of one store does not need it.
      const { verifyAnchoredAndPrint } = await import('../verify-anchored.ts');
      await verifyAnchoredAndPrint(file === undefined ? [(await storeOf(options)).data] : files, { ...options, anchor });
    } else if (second !== undefined) {
      throw new Error(`one file is verified at a time, and ${second} is a second one. Several stores are verified together with --anchor.`);
    } else {
      await (file === undefined ? verifyStoreAndPrint(options) : verifyFileAndPrint(file, options));
    }
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
  const index = report.bodiesClosed === undefined ? await checkIndex(options) : notCompared('that needs the root key');
  // The exit code is set before anything is printed, so a reader that leaves early does not change it.
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    printJson({ ...report, index: index.state, ...(bucket === null ? {} : { onlyInBucket: bucket.dropped }) });
  } else if (isStore) {
    printReport(report, [...describeStore(report), ...(bucket === null ? [] : describeBucket(bucket, options.storage === true))]);
    console.log(index.words);
  } else {
    printReport(report, ["a store is a gateway's data directory, or a copy of journal/ and log/ from it"]);
  }
}

async function verifyFileAndPrint(file: string, options: VerifyOptions): Promise<void> {
  // Loaded here, because the check of a store does not need it.
  const { describeFile, verifyFileAt } = await import('../verify-file.ts');
  const verified = await verifyFileAt(file, {
    ...(await freshnessOf(options)),
    ...(options.identity === undefined ? {} : { identity: readIdentity(options.identity) }),
  });
  const { report, facts } = verified;
  process.exitCode = exitCodes[report.verdict];
  if (options.json === true) {
    const { principals, targets, firstMs, lastMs } = facts;
    printJson(report.form === 'bundle' || report.form === 'evidence' ? { ...report, says: { principals, targets, firstMs, lastMs } } : report);
  } else {
    printReport(report, describeFile(verified, options.key.length > 0));
  }
}

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
  try {
    if (options.data !== undefined) {
      requireUsualSecrets(data);
    }
  } catch (error) {
    return notCompared(describeFailure(error));
  }
  return compareIndex(data, source).then(
    (found) => indexChecks[found],
    (error: unknown) => notCompared(describeFailure(error)),
  );
}

function notCompared(why: string): IndexCheck {
  return { state: 'unchecked', words: `index.db was not compared with the journal: ${escapeControls(why, 'nothing')}` };
}
