import { countOf } from '../domain/count-of.ts';
import { open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import {
  equalBytes,
  isFrame,
  parseCheckpoint,
  parseNote,
  segmentHeaderBytes,
  segmentName,
  SegmentReader,
  type Frame,
  type SegmentEnd,
  type SegmentSource,
  type SegmentSummary,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { listSegments, openSegment, segmentSource } from './segment-files.ts';
import { JournalFold, type AnnouncedSecrets, type GivenCheckpoint, type OpenErasure, type SessionEnd } from './journal-fold.ts';
import { readSnapshot, writeSnapshot, type RecoverySnapshot } from './recovery-snapshot.ts';
import { hasFullTiles, type TileEdges } from './tile-store.ts';

/** The end of the journal, from which a new epoch continues. */
export interface JournalEnd {
  /** The last segment, which the new epoch seals; null if there is none. */
  readonly segment: SegmentSummary | null;
  readonly size: number;
  readonly epoch: number;
  readonly secrets: AnnouncedSecrets | null;
  /** The newest checkpoint of the part that was read; null if it has none. */
  readonly note: Uint8Array | null;
  /** Unix ms of the latest record; 0 if it is not known. */
  readonly latestMs: number;
  readonly erasures: readonly OpenErasure[];
  readonly subtrees: readonly Uint8Array[];
  readonly tiles: TileEdges;
  /** Sessions that must be closed, including the gateway's own of the last epoch. */
  readonly open: readonly SessionEnd[];
  /** The state that the last epoch left, for the body of the `epoch` record. Null if there was no epoch. */
  readonly previous: PreviousEpoch | null;
}

interface PreviousEpoch {
  readonly epoch: number;
  readonly clean: boolean;
  readonly sessionsLeftOpen: number;
  /** Number of sessions whose last requests were let through and have no outcome in the record: the requests may have taken effect. */
  readonly requestsWithoutOutcome: number;
  /** The first such request of each session, at most `unansweredMax`. */
  readonly unanswered: readonly { readonly session: string; readonly seq: number }[];
  readonly tornBytes: number;
}

/** Most requests without outcome that are named, because the body of a record is bounded. */
const unansweredMax = 500;

/** The facts about the journal that the rest of the store knows. */
interface KnownOfJournal {
  readonly gatewayId: string | null;
  /** The number of records that the journal had at least. */
  readonly size: number;
  /** The number of records that a checkpoint covers which was kept elsewhere. */
  readonly keptSize?: number;
  /** Throws if the newest secrets that the journal announces are not in the key store. */
  readonly requireSecrets: (announced: AnnouncedSecrets) => void;
  /** True if a journal that is older than the rest is accepted. */
  readonly mayRollBack: boolean;
}

export interface RecoveredJournal {
  readonly end: JournalEnd;
  /** The number of records that were known of, if some of them are missing and this was accepted; otherwise null. */
  readonly lostSize: number | null;
}

/**
 * Reads the journal to its end, and cuts off what a crash left half written, which was never acknowledged. Every start does this. It begins where the newest
 * snapshot ends if the journal's own checkpoints confirm the snapshot, otherwise at the beginning. Rejects with GatewayError `store_damaged` if the journal
 * contradicts itself, a published checkpoint or the key store, `store_rolled_back` if it is older than they are. Then nothing is changed.
 */
export async function recoverJournal(data: string, known?: KnownOfJournal): Promise<RecoveredJournal> {
  const given = await readGiven(data);
  const expected: Expected = {
    given,
    gatewayId: known?.gatewayId,
    size: Math.max(given?.size ?? 0, known?.size ?? 0, known?.keptSize ?? 0),
    keptSize: known?.keptSize,
    requireSecrets: known?.requireSecrets,
  };
  const snapshot = await readSnapshot(data);
  try {
    const end = (snapshot === null ? null : await recoverFrom(data, snapshot, expected)) ?? (await recoverAll(data, expected));
    return { end, lostSize: null };
  } catch (error) {
    if (known?.mayRollBack !== true || !(error instanceof GatewayError) || error.code !== 'store_rolled_back') {
      throw error;
    }
    // These files are about records that are lost. All of them are made again.
    for (const name of ['recovery', join('log', 'checkpoint'), join('log', 'tile')]) {
      await rm(join(data, name), { recursive: true, force: true });
    }
    return { end: await recoverAll(data, { ...expected, given: null, size: 0 }), lostSize: expected.size };
  }
}

/** The facts with which the journal is compared. */
interface Expected {
  readonly given: GivenCheckpoint | null;
  /** Undefined if it is not known, null if no gateway has recorded yet. */
  readonly gatewayId: string | null | undefined;
  readonly size: number;
  readonly keptSize: number | undefined;
  readonly requireSecrets: KnownOfJournal['requireSecrets'] | undefined;
}

/**
 * Recovers from a snapshot. Null if the snapshot and the journal after it do not agree, because only the whole journal can tell which is wrong; and if a tile
 * that the snapshot relies on is missing, because it must be made again from the whole journal.
 */
async function recoverFrom(data: string, snapshot: RecoverySnapshot, expected: Expected): Promise<JournalEnd | null> {
  if (!hasFullTiles(join(data, 'log'), snapshot.size)) {
    return null;
  }
  try {
    const fold = new JournalFold(join(data, 'log'), snapshot, expected.given);
    return await recover(data, fold, { from: snapshot.segment, expected });
  } catch (error) {
    if (error instanceof RangeError || (error instanceof GatewayError && (error.code === 'store_damaged' || error.code === 'store_rolled_back'))) {
      return null;
    }
    throw error;
  }
}

function recoverAll(data: string, expected: Expected): Promise<JournalEnd> {
  return recover(data, new JournalFold(join(data, 'log'), null, expected.given), { from: null, expected });
}

async function recover(
  data: string,
  fold: JournalFold,
  { from, expected }: { readonly from: SegmentSummary | null; readonly expected: Expected },
): Promise<JournalEnd> {
  const directory = join(data, 'journal');
  const segments = await dropBlank(directory, await requireSegments(data));
  let tornBytes = 0;
  let summary = from;
  let last = from?.segment ?? 0;
  while (last < segments.length && tornBytes === 0) {
    last += 1;
    const first = fold.size;
    const folded = await foldSegment(data, last, { fold, mustConfirm: from !== null, expected });
    tornBytes = folded.tornBytes;
    summary = { segment: last, bytes: folded.bytes, first, records: fold.size - first, chain: fold.chain };
  }
  if (from !== null && !fold.isConfirmed) {
    throw unconfirmed();
  }
  for (const number of segments.slice(last)) {
    tornBytes += await dropUnsynced(join(directory, segmentName(number)));
  }
  requireExpected(fold, expected);
  if (fold.secrets !== null) {
    expected.requireSecrets?.(fold.secrets);
  }
  await fold.writeTiles();
  if (summary !== null) {
    await writeSnapshot(data, fold.snapshot(summary));
  }
  const own = fold.ownEnd;
  const left = fold.open();
  return {
    segment: summary,
    size: fold.size,
    epoch: fold.epoch,
    secrets: fold.secrets,
    note: fold.note,
    latestMs: fold.latestMs,
    erasures: fold.erasures(),
    subtrees: fold.subtrees(),
    tiles: fold.edges(),
    open: own === null ? left : [...left, own],
    previous: fold.epoch === 0 ? null : describe(fold, left, tornBytes),
  };
}

function describe(fold: JournalFold, left: readonly SessionEnd[], tornBytes: number): PreviousEpoch {
  const unanswered = left.flatMap(({ session, unanswered: seq }) => (seq === null ? [] : [{ session, seq }]));
  return {
    epoch: fold.epoch,
    clean: fold.clean,
    sessionsLeftOpen: left.length,
    requestsWithoutOutcome: unanswered.length,
    unanswered: unanswered.slice(0, unansweredMax),
    tornBytes,
  };
}

async function requireSegments(data: string): Promise<number[]> {
  const numbers = await listSegments(data);
  for (const [i, number] of numbers.entries()) {
    if (number !== i + 1) {
      throw damaged(`segment ${i + 1} of the journal is missing`);
    }
  }
  return numbers;
}

interface FoldedSegment {
  readonly bytes: number;
  /** Number of bytes of a half-written tail that were cut off. */
  readonly tornBytes: number;
}

async function foldSegment(
  data: string,
  number: number,
  { fold, mustConfirm, expected }: { readonly fold: JournalFold; readonly mustConfirm: boolean; readonly expected: Expected },
): Promise<FoldedSegment> {
  const file = join(data, 'journal', segmentName(number));
  await using handle = await openSegment(data, number);
  if (handle === null) {
    throw damaged(`segment ${number} of the journal is missing`);
  }
  const source = await segmentSource(handle);
  try {
    const reader = await SegmentReader.open(source);
    if (expected.gatewayId !== undefined && reader.header.gatewayId !== expected.gatewayId) {
      throw mixed(
        `${file} was written by gateway ${reader.header.gatewayId}, and keys.db holds ${expected.gatewayId ?? 'no signing key'}. Restore the two that belong together`,
      );
    }
    if (number > 1 && !equalBytes(reader.header.chainBefore, fold.chain)) {
      throw damaged(`segment ${number} does not follow the one before it`);
    }
    fold.chain = reader.header.chain;
    const end = await foldFrames(reader, (frame) => {
      fold.add(frame);
    });
    if (mustConfirm && !fold.isConfirmed && end.state !== 'clean') {
      throw unconfirmed();
    }
    if (end.state === 'cut' || end.state === 'damaged') {
      // This is checked before anything is cut off: the missing records may be in these bytes, so this need not be an older copy.
      if (expected.size > fold.size) {
        throw damaged(`the journal can be read up to ${countOf(fold.size, 'record')}, but ${whoKnows(expected)}`);
      }
    }
    const tornBytes = await cutTail(file, reader, { end, bytes: source.bytes, clean: fold.clean });
    return { bytes: end.offset, tornBytes };
  } catch (cause) {
    throw cause instanceof MalformedError ? damaged(`segment ${number}: ${cause.message}`, cause) : cause;
  }
}

/** Removes a last segment that has no header, because it was made just before a crash. It holds nothing. */
async function dropBlank(directory: string, segments: readonly number[]): Promise<readonly number[]> {
  const last = segments.at(-1);
  if (last === undefined) {
    return segments;
  }
  const file = join(directory, segmentName(last));
  await using handle = await open(file, 'r');
  if (!(await isBlank(await segmentSource(handle)))) {
    return segments;
  }
  await rm(file);
  return segments.slice(0, -1);
}

/**
 * Removes a segment after a torn one: a power cut lost records before it. That is legal only if none of its records was acknowledged as
 * synced, because syncs go in order.
 */
async function dropUnsynced(file: string): Promise<number> {
  await using handle = await open(file, 'r');
  const reader = await SegmentReader.open(await segmentSource(handle));
  await foldFrames(reader, (frame) => {
    if (frame.header.durable > 0) {
      throw damaged(`${file} was on stable storage, but the segment before it is torn`);
    }
  });
  await rm(file);
  return 1;
}

async function isBlank(source: SegmentSource): Promise<boolean> {
  const head = await source.read(0, Math.min(source.bytes, segmentHeaderBytes));
  return head.length < segmentHeaderBytes || head.every((byte) => byte === 0);
}

async function foldFrames(reader: SegmentReader, add: (frame: Frame) => void): Promise<SegmentEnd> {
  for (;;) {
    const step = reader.next();
    if (step === undefined) {
      await reader.fill();
    } else if (isFrame(step)) {
      add(step);
    } else {
      return reader.settle(step);
    }
  }
}

async function cutTail(
  file: string,
  reader: SegmentReader,
  tail: { readonly end: SegmentEnd; readonly bytes: number; readonly clean: boolean },
): Promise<number> {
  const { end } = tail;
  if (end.state === 'clean') {
    return 0;
  }
  const torn = end.state !== 'zeros';
  if (torn && (tail.clean || (await reader.durableBehind(end)) > end.offset)) {
    throw damaged(`${file} holds bytes that are no records at offset ${end.offset}`);
  }
  await truncate(file, end.offset);
  return torn ? tail.bytes - end.offset : 0;
}

/** Reads the published checkpoint; null if there is none. */
async function readGiven(data: string): Promise<GivenCheckpoint | null> {
  const bytes = await readFile(join(data, 'log', 'checkpoint')).catch(() => null);
  return bytes === null ? null : parseGiven(bytes);
}

/** Throws unless the journal has all records under the published checkpoint and all that the key store knows of, and holds that checkpoint. */
function requireExpected(fold: JournalFold, expected: Expected): void {
  if (expected.size > fold.size) {
    throw rolledBack(`The journal ends after ${countOf(fold.size, 'record')}, but ${whoKnows(expected)}. Restore the newer copy of the journal`);
  }
  if (!fold.holdsGiven) {
    throw mixed(
      `the published log/checkpoint over ${countOf(expected.given?.size ?? 0, 'record')} is none of this journal. Restore the two that belong together`,
    );
  }
}

function whoKnows({ given, size, keptSize }: Expected): string {
  if (keptSize === size) {
    return `a checkpoint over ${size} was kept elsewhere: this store went on after this copy of it was made`;
  }
  return given?.size === size ? `a checkpoint over ${size} was given out` : `keys.db knows of ${size}`;
}

function unconfirmed(): GatewayError {
  return damaged('no checkpoint behind the snapshot confirms it');
}

function parseGiven(checkpoint: Uint8Array): GivenCheckpoint {
  try {
    const { text } = parseNote(checkpoint);
    return { size: parseCheckpoint(text).size, text };
  } catch (cause) {
    throw cause instanceof MalformedError ? damaged(`log/checkpoint: ${cause.message}`, cause) : cause;
  }
}

function damaged(what: string, cause?: unknown): GatewayError {
  return new GatewayError(
    'store_damaged',
    `The store is damaged: ${what}. Nothing was changed. Run \`countersign verify --data DIR\` to see what, restore it or move it away.`,
    { cause },
  );
}

export function mixed(what: string): GatewayError {
  return new GatewayError('store_damaged', `The data directory holds parts of different stores: ${what}, or move the directory away.`);
}

export function rolledBack(what: string): GatewayError {
  return new GatewayError('store_rolled_back', `${what}. If there is none, start with --accept-rollback: what is lost is then declared in the record.`);
}
