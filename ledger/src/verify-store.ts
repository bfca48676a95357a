/** Verifies a whole store offline, with a public key only. docs/formats/verification.md lists the checks and the codes. */
import type { AnchoredTrees } from './anchor-check.ts';
import { BodyCheck, type BodyCounts, type BodyOpener } from './body-check.ts';
import type { Certificate } from './certificate.ts';
import { originOf } from './checkpoint.ts';
import { CosignedCheck, type CosignedReport } from './cosigned-check.ts';
import type { Loss, Restoration } from './epoch-check.ts';
import type { Pause } from './governance.ts';
import { HandoverCheck } from './handover-check.ts';
import { JournalCheck, type StoreProgress } from './journal-check.ts';
import { KeyCheck, type KeyRows } from './key-check.ts';
import type { SigningKeys } from './keyring.ts';
import { LatestTimes } from './latest-times.ts';
import { noteBytesMax } from './note.ts';
import { equalBytes } from './proof.ts';
import { RetentionCheck, type RetentionReport } from './retention-check.ts';
import { malformedIfUnreadable, readWhole, type StoreFiles } from './store-files.ts';
import { checkDecided, checkNote, checkpointPath, Expectation, keyPath, readTrust, ringPath, type KeySource } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { TileCheck } from './tile-check.ts';
import { TimestampsCheck, type TimestampsReport } from './timestamps-check.ts';
import { Findings, orMalformedLater, type Finding, type Verdict } from './verdict.ts';
import type { WitnessPolicy } from './witness-policy.ts';

export interface StoreOptions {
  /** The keys to trust: C2SP verifier keys, and keyrings that were kept (docs/formats/checkpoint.md). Without them the store's own keys are used, which shows only that the store is consistent. */
  readonly keys?: readonly string[];
  /** A checkpoint (signed note) of this log that was kept elsewhere. The store must not be older, and must not have another history. */
  readonly known?: string;
  /** The key store of the gateway, if it is at hand. It must hold the keys that the log announces. */
  readonly keyRows?: KeyRows;
  /** Unix ms: retention is judged for this time. Absent: of retention, only keys are found that are lost before their time. */
  readonly retentionAtMs?: number;
  /** Opens sealed bodies, which are then compared with the commitments in their leaves. */
  readonly bodies?: BodyOpener;
  /** Why sealed bodies are not opened, which whoever asks meant to have opened: whoever keeps the key does not give it. It is a finding, and all else is checked. */
  readonly bodiesClosed?: string;
  /** Each cosigned checkpoint of the store must meet it, and there must be one if it asks for witnesses. */
  readonly witnesses?: WitnessPolicy;
  /** Authorities of timestamps. Each stamped checkpoint of the store must have one by them, and there must be one. */
  readonly timestamps?: readonly Certificate[];
  /** The statements of an anchor log about this log. The store must have each of the trees, and end where the log was retired. */
  readonly anchored?: AnchoredTrees;
  /** The greatest allowed age of the newest leaf under a signature, and of the newest cosigned or stamped checkpoint where `witnesses` or `timestamps` are given, in ms. */
  readonly maxAgeMs?: number;
  readonly now?: () => number;
  readonly onProgress?: (progress: StoreProgress) => void;
}

export interface StoreReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** Number of findings that are not listed. */
  readonly findingsDropped: number;
  readonly keySource: KeySource;
  /** 16 hex digits; missing if no segment could be read. */
  readonly gatewayId?: string;
  /** True if the gateway was stopped in good order. False if it runs or crashed. */
  readonly closed: boolean;
  /** True if the journal could be followed to its end. False if the counts cover only what comes before a fault after which it could not be followed. */
  readonly followed: boolean;
  readonly counts: {
    readonly segments: number;
    readonly frames: number;
    readonly leaves: number;
    /** Number of records of which the facts alone are kept. */
    readonly factsOnly: number;
    readonly sessions: number;
    readonly sessionsOpen: number;
    readonly epochs: number;
    readonly pauses: number;
    readonly tiles: number;
    /** Number of keys that were found in the key store; missing if no key store was given. */
    readonly keys?: number;
    /** Counts of sealed bodies; missing if the caller gave nothing that opens them. */
    readonly bodies?: BodyCounts;
    readonly bytes: number;
  };
  /** The times in which the gateway recorded nothing, as it states under its signature: at most the first hundred. */
  readonly pauses: readonly Pause[];
  /** The losses that the gateway declared under its signature when it continued without the lost records or keys: at most the first hundred. */
  readonly losses: readonly Loss[];
  /** The restores from backups that the gateway declared under its signature: at most the first hundred. */
  readonly restorations: readonly Restoration[];
  /** The counts of what was deleted; missing if retention was not judged. */
  readonly retention?: RetentionReport;
  /** The newest checkpoint with a trusted signature. */
  readonly newest?: { readonly size: number; readonly lastLeafMs: number };
  /** Why sealed bodies were not opened that were to be; missing if nothing kept them closed. */
  readonly bodiesClosed?: string;
  /** The cosigned checkpoints; missing if no policy of witnesses was given. */
  readonly cosigned?: CosignedReport;
  /** The stamped checkpoints; missing if no authorities of timestamps were given. */
  readonly timestamps?: TimestampsReport;
  /** The leaves that the newest signed checkpoint does not cover, and the bytes of a torn tail. */
  readonly unsigned: {
    readonly leaves: number;
    readonly bytes: number;
    readonly tornBytes: number;
  };
  readonly elapsedMs: number;
  readonly leavesPerSecond: number;
}

interface Published {
  readonly bytes: Uint8Array | undefined;
  readonly expectation: Expectation | undefined;
}

/** A store is verified anew if the key of its log was rotated meanwhile, but not for ever. */
const attemptsMax = 3;

/**
 * Verifies a store. Faults of the store, and files that cannot be read, become findings. Rejects with `MalformedError` only if `options.keys` are malformed.
 */
export async function verifyStore(files: StoreFiles, options: StoreOptions = {}): Promise<StoreReport> {
  const ringBytes = async (): Promise<number | undefined> => files.size(ringPath).catch(() => undefined);
  for (let attempt = 1; ; attempt++) {
    const bytes = await ringBytes();
    const report = await verifyOnce(files, options);
    if (report.verdict === 'holds' || attempt === attemptsMax || (await ringBytes()) === bytes) {
      return report;
    }
  }
}

async function verifyOnce(storeFiles: StoreFiles, options: StoreOptions): Promise<StoreReport> {
  const { keyRows, now = Date.now } = options;
  const startedMs = performance.now();
  const findings = new Findings();
  const files = malformedIfUnreadable(storeFiles);
  if (await isNoStore(files).catch(() => false)) {
    findings.add('malformed', '.', 'not a store: no journal, no checkpoint, no key');
    return noStore(findings);
  }
  const trust = await readTrust(files, options.keys, findings);
  const handovers = new HandoverCheck(trust.keys.ringOf(trust.origin ?? ''), findings);
  const known = await expectKnown(options.known, trust.keys, findings);
  // The published checkpoint is read before the journal, so a running gateway cannot make it cover more than the journal that is read.
  const published = await expectPublished(files, trust.keys, findings);
  const cosigned = await CosignedCheck.open(files, trust.keys, options.witnesses, findings);
  const stamped = await TimestampsCheck.open(files, { keys: trust.keys, trusted: options.timestamps, nowMs: now() }, findings);
  const tiles = await TileCheck.open(files, findings);
  const anchored = (options.anchored?.trees ?? []).map(
    ({ size, root, entry }) =>
      new Expectation({ origin: '', size, root }, `anchor entry ${entry}`, { differs: 'integrity', missing: 'completeness' }, findings),
  );
  const expectations = [published.expectation, known, ...handovers.expectations, ...cosigned.expectations, ...stamped.expectations, ...anchored].filter(
    (one) => one !== undefined,
  );
  const seen = (options.anchored?.trees ?? []).map(({ size, timeS }) => ({ size, timeMs: timeS * 1000 }));
  const latest = new LatestTimes([...cosigned.times, ...stamped.times, ...seen]);
  const retention = new RetentionCheck({ rows: keyRows ?? null, findings, nowMs: now(), atMs: options.retentionAtMs ?? null, latest });
  const keyCheck = new KeyCheck(keyRows ?? null, findings, retention);
  if (options.bodiesClosed !== undefined) {
    findings.add('trust', 'keys.db', `the root key is not given, so no sealed body was opened and compared with its leaf: ${options.bodiesClosed}`);
  }
  const bodyCheck = options.bodies === undefined ? undefined : new BodyCheck(options.bodies, findings);
  const journal = new JournalCheck({ files, findings, keys: trust.keys, tiles, expectations, keyCheck, handovers, bodyCheck });
  await orMalformedLater(findings, 'journal', async () => journal.follow(options.onProgress));
  if (journal.isComplete) {
    finishJournal(journal, published, findings);
    keyCheck.finish();
    handovers.finish(journal.log.frontier.size);
    tiles.finish(published.expectation?.checkpoint.size ?? 0);
    for (const expectation of expectations) {
      expectation.finish(journal.log.frontier.size, journal.end);
    }
  }
  const origin = originOf(journal.gatewayId ?? '');
  if (journal.gatewayId !== undefined && trust.origin !== undefined && trust.origin !== origin) {
    findings.add('trust', keyPath, 'is of another log than the journal');
  }
  // A declared loss may have ended the keyring. An anchor log knows of none, because no witness goes on after it.
  if (options.anchored !== undefined || journal.log.epochs.losses.length === 0) {
    checkDecided(trust.keys, origin, ringPath, findings);
  }
  checkRetired(options.anchored, journal.log.frontier.size, findings);
  cosigned.finish(options.witnesses, now(), options.maxAgeMs, findings);
  stamped.finish(now(), options.maxAgeMs, findings);
  const newest = newestSigned(journal, published.expectation);
  if (newest === undefined && published.expectation === undefined) {
    findings.add('trust', 'journal', 'no checkpoint of it is signed by a trusted key');
  } else if (newest !== undefined) {
    checkAge(newest, options, findings);
  }
  const elapsedMs = performance.now() - startedMs;
  const { counts, ...rest } = summary(journal, newest, elapsedMs);
  return {
    ...rest,
    ...(cosigned.report === undefined ? {} : { cosigned: cosigned.report }),
    ...(stamped.report === undefined ? {} : { timestamps: stamped.report }),
    ...(retention.report === null ? {} : { retention: retention.report }),
    ...(options.bodiesClosed === undefined ? {} : { bodiesClosed: options.bodiesClosed }),
    counts: {
      ...counts,
      ...(keyRows === undefined ? {} : { keys: keyCheck.count }),
      ...(bodyCheck === undefined ? {} : { bodies: bodyCheck.counts }),
    },
    verdict: findings.verdict,
    findings: findings.list,
    findingsDropped: findings.dropped,
    keySource: trust.source,
  };
}

async function isNoStore(files: StoreFiles): Promise<boolean> {
  const sizes = await Promise.all([files.size(keyPath), files.size(checkpointPath)]);
  return sizes.every((size) => size === undefined) && (await files.list('journal')).length === 0;
}

function noStore(findings: Findings): StoreReport {
  return {
    verdict: findings.verdict,
    findings: findings.list,
    findingsDropped: findings.dropped,
    keySource: 'none',
    closed: false,
    followed: false,
    counts: {
      segments: 0,
      frames: 0,
      leaves: 0,
      factsOnly: 0,
      sessions: 0,
      sessionsOpen: 0,
      epochs: 0,
      pauses: 0,
      tiles: 0,
      bytes: 0,
    },
    pauses: [],
    losses: [],
    restorations: [],
    unsigned: { leaves: 0, bytes: 0, tornBytes: 0 },
    elapsedMs: 0,
    leavesPerSecond: 0,
  };
}

async function expectKnown(note: string | undefined, keys: SigningKeys, findings: Findings): Promise<Expectation | undefined> {
  if (note === undefined) {
    return undefined;
  }
  const where = 'known checkpoint';
  const checkpoint = await checkNote(encodeUtf8(note), where, keys, findings);
  const codes = { differs: 'trust', missing: 'trust' } as const;
  return checkpoint === undefined ? undefined : new Expectation(checkpoint, where, codes, findings);
}

async function expectPublished(files: StoreFiles, keys: SigningKeys, findings: Findings): Promise<Published> {
  const bytes = await orMalformedLater(findings, checkpointPath, async () => readWhole(files, checkpointPath, noteBytesMax));
  if (bytes === undefined) {
    return { bytes, expectation: undefined };
  }
  const checkpoint = await checkNote(bytes, checkpointPath, keys, findings);
  const codes = { differs: 'integrity', missing: 'completeness' } as const;
  const expectation = checkpoint === undefined ? undefined : new Expectation(checkpoint, checkpointPath, codes, findings);
  return { bytes, expectation };
}

/** Makes the checks of the whole store that are possible only if the journal was followed to its end. */
function finishJournal(journal: JournalCheck, published: Published, findings: Findings): void {
  if (journal.end.segment === 0) {
    findings.add('completeness', 'journal', 'no segment');
  }
  journal.log.finish();
  // A gateway publishes a checkpoint before it opens the first session.
  const { epochs, sessions } = journal.log;
  if (published.bytes === undefined && sessions.size > epochs.count) {
    findings.add('completeness', checkpointPath, 'missing');
  }
  const signedSize = published.expectation?.checkpoint.size;
  const note = journal.lastNote;
  if (!journal.log.epochs.isClosed || published.bytes === undefined) {
    return;
  }
  if (note === undefined && signedSize === journal.log.frontier.size) {
    findings.add('completeness', 'journal', 'the checkpoint frame of the clean stop is missing');
  } else if (note !== undefined && !equalBytes(note.bytes, published.bytes)) {
    const older = signedSize !== undefined && signedSize < note.size;
    const what = 'is not the checkpoint that ends the journal';
    findings.add(older ? 'trust' : 'integrity', checkpointPath, what);
  }
}

interface SignedPart {
  readonly size: number;
  readonly lastLeafMs: number;
  readonly journalBytes: number;
}

/** Returns the newer of two: the newest signed checkpoint frame, and the published checkpoint. */
function newestSigned(journal: JournalCheck, published: Expectation | undefined): SignedPart | undefined {
  const { signed } = journal;
  if (published?.isReached !== true || (signed?.size ?? -1) >= published.checkpoint.size) {
    return signed;
  }
  const { lastLeafMs, journalBytes } = published;
  return { size: published.checkpoint.size, lastLeafMs, journalBytes };
}

function checkRetired(anchored: AnchoredTrees | undefined, size: number, findings: Findings): void {
  const { retired } = anchored ?? {};
  if (retired !== undefined && size > retired.size) {
    findings.add(
      'trust',
      `anchor entry ${retired.entry}`,
      `the log was retired with ${retired.size} records, and ${size - retired.size} were recorded behind them`,
    );
  }
}

function checkAge(newest: SignedPart, options: StoreOptions, findings: Findings): void {
  const { maxAgeMs, now = Date.now } = options;
  if (maxAgeMs !== undefined && now() - newest.lastLeafMs > maxAgeMs) {
    findings.add('trust', 'journal', 'the newest signed record is older than allowed');
  }
}

function summary(
  journal: JournalCheck,
  newest: SignedPart | undefined,
  elapsedMs: number,
): Omit<StoreReport, 'verdict' | 'findings' | 'findingsDropped' | 'keySource'> {
  const { log, counts, gatewayId } = journal;
  const leaves = log.frontier.size;
  return {
    ...(gatewayId === undefined ? {} : { gatewayId }),
    closed: log.epochs.isClosed,
    followed: journal.isComplete,
    counts: {
      segments: counts.segments,
      frames: counts.frames,
      leaves,
      factsOnly: log.factsOnly,
      sessions: log.sessions.size,
      sessionsOpen: log.sessions.openCount,
      epochs: log.epochs.count,
      pauses: log.epochs.pauseCount,
      tiles: journal.tilesChecked,
      bytes: counts.bytes,
    },
    pauses: log.epochs.pauses,
    losses: log.epochs.losses,
    restorations: log.epochs.restorations,
    ...(newest === undefined ? {} : { newest: { size: newest.size, lastLeafMs: newest.lastLeafMs } }),
    unsigned: {
      leaves: leaves - (newest?.size ?? 0),
      bytes: counts.bytes - (newest?.journalBytes ?? 0),
      tornBytes: counts.tornBytes,
    },
    elapsedMs,
    leavesPerSecond: elapsedMs === 0 ? 0 : Math.round((leaves * 1000) / elapsedMs),
  };
}
