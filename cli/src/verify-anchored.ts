/** Verifies an anchor log, and that the stores which are given are those of all its gateways. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { countOf } from '@countersign/gateway/count-of';
import {
  AnchorCheck,
  exitCodes,
  MalformedError,
  parseVerifierKey,
  worstOf,
  type AnchorReport,
  type Finding,
  type StoreReport,
  type Verdict,
} from '@countersign/ledger';
import { anchorFilesAt } from './anchor-files.ts';
import { describeStore } from './described-store.ts';
import { readKnown } from './known-checkpoint.ts';
import { printReport } from './printed-report.ts';
import { escapeControls, printJson } from './terminal.ts';
import { readTrusted } from './trusted-keys.ts';
import { readPolicy, verifyDirectory, type StoreVerification } from './verify-directory.ts';

const keyFileBytesMax = 4096;
const dayMs = 86_400_000;

/** The anchor log, the time that is asked for, and what is checked of each store. */
export interface AnchoredVerification extends StoreVerification {
  /** A directory, or an address. */
  readonly anchor: string;
  readonly anchorKey: readonly string[];
  readonly anchorWitnesses?: string;
  /** The first and the last day that are asked for. */
  readonly since?: string;
  readonly until?: string;
  readonly json?: boolean;
}

/** The anchor log, and what it is compared with. */
export type AnchorChoice = Pick<AnchoredVerification, 'anchor' | 'anchorKey' | 'anchorWitnesses' | 'known'>;

interface AnchoredStore {
  readonly store: string;
  /** The name of its log. Null: it has no key that can be read. */
  readonly log: string | null;
  readonly report: StoreReport;
}

/** Opens the anchor log that the options name. Rejects with what cannot be read. */
async function openAnchor({ anchor: place, anchorKey, anchorWitnesses, known }: AnchorChoice): Promise<AnchorCheck> {
  if (!/^https?:\/\//.test(place) && statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(
      `--anchor ${place}: there is no such directory. It is the directory anchor of a witness, a copy of it, or the address at which it is served.`,
    );
  }
  return AnchorCheck.open(anchorFilesAt(place), {
    keys: anchorKey.length === 0 ? undefined : await Promise.all(anchorKey.map(async (value) => readTrusted('--anchor-key', value))),
    known: known === undefined ? undefined : readKnown(known),
    witnesses: anchorWitnesses === undefined ? undefined : readPolicy(anchorWitnesses, '--anchor-witnesses'),
  });
}

/** Verifies an anchor log alone, prints which logs are enrolled in it, and sets the exit code. */
export async function printAnchor({ json, ...options }: AnchorChoice & Pick<AnchoredVerification, 'json'>): Promise<void> {
  const report = (await openAnchor(options)).finish(null);
  process.exitCode = exitCodes[report.verdict];
  if (json === true) {
    printJson(report);
  } else {
    const { verdict, findings, findingsDropped } = report;
    printReport({ verdict, findings, findingsDropped }, describeAnchor(report));
  }
}

/** Verifies the stores one after the other, prints the report about all, and sets the exit code. */
export async function verifyAnchoredAndPrint(directories: readonly string[], options: AnchoredVerification): Promise<void> {
  const anchor = await openAnchor(options);
  const stores: AnchoredStore[] = [];
  for (const store of directories) {
    stores.push(await verifyOne(store, anchor, options));
  }
  const { since, until, maxAge } = options;
  const report = anchor.finish({
    given: new Set(stores.flatMap(({ log }) => (log === null ? [] : [log]))),
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) + dayMs }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    nowMs: Date.now(),
  });
  const verdict = worstOf([report.verdict, ...stores.map((one) => one.report.verdict)]);
  // The exit code is set before anything is printed, so a reader that leaves early does not change it.
  process.exitCode = exitCodes[verdict];
  if (options.json === true) {
    printJson({ verdict, anchor: report, stores });
    return;
  }
  const { findings, findingsDropped } = report;
  printReport({ verdict, findings, findingsDropped }, describeAnchor(report));
  for (const { store, log, report: one } of stores) {
    const seen = report.logs.find(({ origin }) => origin === log);
    console.log(`\n${escapeControls(store, 'nothing')}`);
    printReport(one, [
      ...(seen === undefined ? [] : [`${seen.origin}: the witness has seen ${seen.records} of its records, and knows nothing of later ones`]),
      ...describeStore(one),
    ]);
  }
}

/** Verifies a store. The known checkpoint is not one of its log, but of the anchor log. */
async function verifyOne(store: string, anchor: AnchorCheck, { known: _known, ...options }: StoreVerification): Promise<AnchoredStore> {
  const log = logOf(store);
  const anchored = log === null ? undefined : anchor.treesOf(log);
  const report = await verifyDirectory({ ...options, data: store }, anchored);
  if (anchored !== undefined) {
    return { store, log, report };
  }
  const what = log === null ? 'no key by which its log can be found in the anchor log' : `${log} is not enrolled in the anchor log`;
  return { store, log, report: withFinding(report, { code: 'trust', where: 'log/key', what }) };
}

function withFinding(report: StoreReport, finding: Finding): StoreReport {
  const verdict: Verdict = worstOf([report.verdict, finding.code]);
  return { ...report, verdict, findings: [...report.findings, finding] };
}

/** Returns the name of the log of a store, as its key says. Null: there is none that can be read; the check of the store says what is wrong with it. */
function logOf(store: string): string | null {
  const file = join(store, 'log', 'key');
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    return found?.isFile() === true && found.size <= keyFileBytesMax ? parseVerifierKey(readFileSync(file, 'utf8').replace(/\n$/, '')).name : null;
  } catch (error) {
    if (error instanceof MalformedError) {
      return null;
    }
    throw error;
  }
}

/** Describes an anchor log in lines for people: how many entries, and each log that was enrolled. */
function describeAnchor({ origin, entries, newestMs, keySource, logs, cosigned }: AnchorReport): string[] {
  const newest = newestMs === null ? '' : `, the newest of ${time(newestMs)}, by the clock of the witness`;
  return [
    ...(origin === undefined ? [] : [`anchor log ${origin}: ${countOf(entries, 'entry', 'entries')}${newest}; ${countOf(logs.length, 'log')} enrolled`]),
    ...(keySource === 'store' ? ['without --anchor-key the anchor log is checked by the key in it: whose key that is was not checked'] : []),
    ...(cosigned === undefined ? [] : [`cosigned over ${countOf(cosigned.entries, 'entry', 'entries')} by ${cosigned.witnesses.join(', ')}`]),
    ...logs.map(describeLog),
  ];
}

function describeLog({ origin, enrolledMs, records, seenMs, retired, silent, store }: AnchorReport['logs'][number]): string {
  const state =
    retired !== null
      ? `retired ${time(seenMs)} with ${countOf(records, 'record')}: ${retired}`
      : `${countOf(records, 'record')} seen at ${time(seenMs)}${silent ? ', and nothing since, although the anchor log goes on: it was stopped, cut off, or shows the witness nothing' : ''}`;
  const words = {
    given: '',
    missing: '; its store is MISSING',
    unneeded: '; not enrolled in the time that is asked for',
    unasked: '',
    none: "; not a gateway's log, so it has no store",
  }[store];
  return `${origin}, enrolled ${time(enrolledMs)}: ${state}${words}`;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
