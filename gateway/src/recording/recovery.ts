import { open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint } from '@countersign/ledger/checkpoint.ts';
import { parseSegmentName, segmentHeaderBytes, segmentName, type SegmentSummary } from '@countersign/ledger/journal.ts';
import { MalformedError } from '@countersign/ledger/malformed.ts';
import { parseNote } from '@countersign/ledger/note.ts';
import { equalBytes } from '@countersign/ledger/proof.ts';
import { isFrame, SegmentReader, type Frame, type SegmentEnd, type SegmentSource } from '@countersign/ledger/segment-reader.ts';
import { GatewayError } from '../domain/errors.ts';
import { segmentSource } from './journal-reader.ts';
import { JournalFold, type SessionEnd } from './journal-fold.ts';
import { readSnapshot, writeSnapshot, type RecoverySnapshot } from './recovery-snapshot.ts';
import type { TileEdges } from './tile-store.ts';

/** What a new epoch goes on from. */
export interface JournalEnd {
  /** The last segment, null when there is none: the new epoch seals it. */
  readonly segment: SegmentSummary | null;
  readonly size: number;
  readonly epoch: number;
  readonly subtrees: readonly Uint8Array[];
  readonly tiles: TileEdges;
  /** Sessions to be closed, the gateway's own of the last epoch among them. */
  readonly open: readonly SessionEnd[];
  /** Body of the `epoch` leaf: what the last epoch left. */
  readonly previous: PreviousEpoch | null;
}

interface PreviousEpoch {
  readonly epoch: number;
  readonly clean: boolean;
  readonly sessionsLeftOpen: number;
  /** Sessions whose last requests were let through and have no outcome in the record: they may have taken effect. */
  readonly requestsWithoutOutcome: number;
  /** Which they are: the first such request of each session, at most `unansweredMax`. */
  readonly unanswered: readonly { readonly session: string; readonly seq: number }[];
  readonly tornBytes: number;
}

/** A leaf's body is bounded; a crash with more open sessions names so many. */
const unansweredMax = 500;

/**
 * Reads the journal to its end; cuts off what a crash left half written, which nobody was told about. The normal start. It begins where the newest
 * snapshot ends, if the journal's own checkpoints confirm it, otherwise at the beginning. Errors: `store_damaged` when the journal contradicts itself
 * or a checkpoint that was given out: then nothing is changed.
 */
export async function recoverJournal(data: string): Promise<JournalEnd> {
  const snapshot = await readSnapshot(data);
  return (snapshot === null ? null : await recoverFrom(data, snapshot)) ?? recoverAll(data);
}

/** Null when the snapshot and what is behind it do not go together: which of them is wrong only the whole journal can tell. */
async function recoverFrom(data: string, snapshot: RecoverySnapshot): Promise<JournalEnd | null> {
  try {
    const fold = new JournalFold(join(data, 'log'), snapshot);
    return await recover(data, fold, snapshot.segment);
  } catch (error) {
    if (error instanceof RangeError || (error instanceof GatewayError && error.code === 'store_damaged')) {
      return null;
    }
    throw error;
  }
}

function recoverAll(data: string): Promise<JournalEnd> {
  return recover(data, new JournalFold(join(data, 'log'), null), null);
}

async function recover(data: string, fold: JournalFold, from: SegmentSummary | null): Promise<JournalEnd> {
  const directory = join(data, 'journal');
  const segments = await dropBlank(directory, await listSegments(directory));
  const published = await publishedSize(data);
  let tornBytes = 0;
  let summary = from;
  let last = from?.segment ?? 0;
  while (last < segments.length && tornBytes === 0) {
    last += 1;
    const first = fold.size;
    const folded = await foldSegment(directory, last, { fold, mustConfirm: from !== null, published });
    tornBytes = folded.tornBytes;
    summary = { segment: last, bytes: folded.bytes, first, records: fold.size - first, chain: fold.chain };
  }
  if (from !== null && !fold.isConfirmed) {
    throw unconfirmed();
  }
  for (const number of segments.slice(last)) {
    tornBytes += await dropUnsynced(join(directory, segmentName(number)));
  }
  requirePublished(fold, published);
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

async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch(() => []);
  const numbers = names.flatMap((name) => parseSegmentName(name) ?? []).toSorted((a, b) => a - b);
  for (const [i, number] of numbers.entries()) {
    if (number !== i + 1) {
      throw damaged(`segment ${i + 1} of the journal is missing`);
    }
  }
  return numbers;
}

interface FoldedSegment {
  readonly bytes: number;
  /** Cut off a half-written tail. */
  readonly tornBytes: number;
}

async function foldSegment(
  directory: string,
  number: number,
  { fold, mustConfirm, published }: { readonly fold: JournalFold; readonly mustConfirm: boolean; readonly published: number },
): Promise<FoldedSegment> {
  const file = join(directory, segmentName(number));
  await using handle = await open(file, 'r');
  const source = await segmentSource(handle);
  try {
    const reader = await SegmentReader.open(source);
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
      // Before anything is cut off.
      requirePublished(fold, published);
    }
    const tornBytes = await cutTail(file, reader, { end, bytes: source.bytes, clean: fold.clean });
    return { bytes: end.offset, tornBytes };
  } catch (cause) {
    throw cause instanceof MalformedError ? damaged(`segment ${number}: ${cause.message}`, cause) : cause;
  }
}

/** A segment that was made just before a crash has no header yet, and holds nothing. */
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
 * A segment behind a torn one was begun, and lost what came before it to a power cut: legal only while none of it was acknowledged as
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

/** Of the checkpoint that was given out; 0 when there is none. */
async function publishedSize(data: string): Promise<number> {
  const bytes = await readFile(join(data, 'log', 'checkpoint')).catch(() => null);
  return bytes === null ? 0 : readSize(bytes);
}

/** What a checkpoint that was given out covers must be there. */
function requirePublished(fold: JournalFold, published: number): void {
  if (published > fold.size) {
    throw damaged(`the journal ends after ${fold.size} records, but a checkpoint over ${published} was given out`);
  }
}

function unconfirmed(): GatewayError {
  return damaged('no checkpoint behind the snapshot confirms it');
}

function readSize(checkpoint: Uint8Array): number {
  try {
    return parseCheckpoint(parseNote(checkpoint).text).size;
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
