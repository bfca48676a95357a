import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { frameHeaderBytes, frameMagic, frameOffsets, hashBytes, parseCheckpoint, parseNote, segmentName } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { BackupFile } from './manifest.ts';
import type { PlainDirectory } from './plain-directory.ts';
import { appendSlices, hashFile, readPart, readSlices, writeSlices } from './slices.ts';

/** A segment in the store, up to where it is copied. */
export interface SegmentPart {
  readonly path: string;
  readonly bytes: number;
}

export interface CopiedFile {
  readonly file: BackupFile;
  /** How many of its bytes were copied; the others were there. */
  readonly copied: number;
}

/**
 * Yields the segments up to a checkpoint and its own frame, which ends the copy as it ends a journal after a stop. Rejects with GatewayError `store_damaged` if
 * the checkpoint is not in the journal, and if a segment is missing.
 */
export async function* segmentsUpTo(data: string, note: string): AsyncGenerator<SegmentPart> {
  const { journal } = parseCheckpoint(parseNote(Buffer.from(note)).text);
  if (journal === undefined) {
    throw new GatewayError('store_damaged', 'The published checkpoint names no place in the journal. Run countersign verify.');
  }
  for (let segment = 1; segment < journal.segment; segment++) {
    const path = `journal/${segmentName(segment)}`;
    yield { path, bytes: await sizeOf(join(data, path)) };
  }
  const path = `journal/${segmentName(journal.segment)}`;
  yield { path, bytes: await endOfCheckpoint(join(data, path), journal.offset, note) };
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found === null) {
    throw new GatewayError('store_damaged', `${file} is missing. Restore it first; countersign verify says what else is missing.`);
  }
  return found.size;
}

async function endOfCheckpoint(file: string, offset: number, note: string): Promise<number> {
  const body = Buffer.from(note);
  const padded = Math.ceil(body.length / 8) * 8;
  const end = offset + frameHeaderBytes + padded + hashBytes;
  const frame = await readPart(file, offset, end);
  const isFrameOfIt = frame.readUInt32BE(frameOffsets.magic) === frameMagic && frame.subarray(frameHeaderBytes, frameHeaderBytes + body.length).equals(body);
  if (!isFrameOfIt) {
    throw new GatewayError('store_damaged', `${file} does not hold the published checkpoint where that says it is. Run countersign verify.`);
  }
  return end;
}

/**
 * Copies what a backup does not have of a segment. `before` is what its manifest says of it. What is there must end with the same chain value, which stands
 * for all before it. Rejects with GatewayError `conflict` if the backup has another history.
 */
export async function copySegment(data: string, out: PlainDirectory, part: SegmentPart, before: BackupFile | undefined): Promise<CopiedFile> {
  const { path, bytes } = part;
  const [from, to] = [join(data, path), out.make(path)];
  const there = (await stat(to).catch(() => null))?.size ?? 0;
  const known = before !== undefined && before.bytes <= there ? before : undefined;
  const common = known?.bytes ?? there;
  const isSame = common <= bytes && (common < hashBytes || (await endsAlike(from, to, common)));
  if (!isSame && known !== undefined) {
    throw new GatewayError('conflict', `${to} is of another history than ${from}, or goes on further: this store is an older copy. Use another directory.`);
  }
  if (isSame && common === bytes) {
    // Without `known` it was copied by a backup that was interrupted.
    return { file: known ?? { path, bytes, sha256: await hashFile(to, bytes) }, copied: 0 };
  }
  if (isSame && known !== undefined && (await hashFile(to, known.bytes)) === known.sha256) {
    return { file: { path, ...(await appendSlices(to, known.bytes, readSlices(from, known.bytes, bytes))) }, copied: bytes - known.bytes };
  }
  return { file: { path, ...(await writeSlices(to, readSlices(from, 0, bytes))) }, copied: bytes };
}

async function endsAlike(a: string, b: string, at: number): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map(async (file) => readPart(file, at - hashBytes, at)));
  return one !== undefined && other !== undefined && one.equals(other);
}

/** The number of records under a signed checkpoint. */
export function sizeOfNote(note: string): number {
  return parseCheckpoint(parseNote(Buffer.from(note)).text).size;
}
