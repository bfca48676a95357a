import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint, parseNote, segmentName } from '@countersign/ledger/format';
import { findPieces } from '../archive/tail-sender.ts';
import { Bucket } from '../bucket/bucket.ts';
import { writeBucketRecord } from '../bucket/bucket-record.ts';
import { logObject, segmentObject, segmentsMax, tailObject } from '../bucket/object-names.ts';
import { requireSegmentHeader, type SegmentOf } from '../bucket/segment-header.ts';
import { GatewayError } from '../domain/errors.ts';
import type { RootSource } from '../domain/root-settings.ts';
import type { BucketSettings, StorageSettings } from '../domain/storage.ts';
import { openKeys } from './offline-index.ts';
import { StoreLock } from '../store/store-lock.ts';
import { replaceWholeFile, syncDirectory } from '../store/whole-file.ts';

export interface RestoredJournal {
  readonly gatewayId: string;
  /** Number of segments that the bucket has whole. */
  readonly segments: number;
  /** How many of them were left there. */
  readonly left: number;
  /** Number of bytes of segments that were not complete, put together from their pieces. */
  readonly tailBytes: number;
}

/**
 * Makes the journal of a data directory again from its bucket; the key store is there already. What `keepLocal` would remove is left in the bucket, but for the
 * last segment. The journal appears whole or not at all. Rejects with GatewayError `not_found`, `conflict`, `key_unavailable`, `store_in_use` or
 * `storage_unavailable`.
 */
export async function restoreFromBucket(data: string, settings: StorageSettings, source: RootSource): Promise<RestoredJournal> {
  if (!existsSync(join(data, 'keys.db'))) {
    throw new GatewayError('not_found', `${data} has no keys.db. Keys are not in the bucket: put back keys.db and the root key of this gateway first.`);
  }
  const journal = join(data, 'journal');
  if (existsSync(journal) && readdirSync(journal).length > 0) {
    throw new GatewayError('conflict', `${journal} holds a journal, and nothing is written over it: move it away first.`);
  }
  using _lock = StoreLock.take(data);
  const gatewayId = await gatewayIdOf(data, source);
  const { lock: _mode, keepLocal, behindMs: _behindMs, ...reached } = settings;
  const bucket = new Bucket(reached, { environment: source.environment ?? {}, signal: new AbortController().signal, now: Date.now });
  const made = `${journal}.restoring`;
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { mode: 0o700 });
  const segments = await countSegments(bucket, gatewayId);
  const left = keepLocal.days === null && keepLocal.bytes === null ? 0 : Math.max(0, segments - 1);
  for (let segment = left + 1; segment <= segments; segment++) {
    await writeSegment(made, { gatewayId, segment }, bucket.name, [await requireObject(bucket, segmentObject(gatewayId, segment))]);
  }
  const tailBytes = await restoreTails(made, { bucket, gatewayId, from: segments + 1 });
  if (segments === 0 && tailBytes === 0) {
    await rm(made, { recursive: true });
    throw new GatewayError('not_found', `${bucket.name} has nothing of the gateway ${gatewayId}, whose keys these are.`);
  }
  syncDirectory(made);
  await noteBucket(data, { bucket, gatewayId, settings: reached, segments, left });
  await rm(journal, { recursive: true, force: true });
  await rename(made, journal);
  syncDirectory(data);
  return { gatewayId, segments, left, tailBytes };
}

async function gatewayIdOf(data: string, source: RootSource): Promise<string> {
  using keys = await openKeys(data, source);
  return keys.signer().gatewayId;
}

/** Returns how many segments a bucket has, from the first on without a gap. */
async function countSegments(bucket: Bucket, gatewayId: string): Promise<number> {
  const has = async (segment: number): Promise<boolean> => (await bucket.find(segmentObject(gatewayId, segment))) !== null;
  // They were sent in order, so a search by halves finds the last.
  let [known, beyond] = [0, 1];
  while (await has(beyond)) {
    [known, beyond] = [beyond, beyond * 2];
    if (known > segmentsMax) {
      throw new GatewayError(
        'storage_unavailable',
        `${bucket.name} says that it has more than ${segmentsMax} segments of the gateway ${gatewayId}: no store has so many.`,
      );
    }
  }
  while (beyond - known > 1) {
    const middle = Math.floor((known + beyond) / 2);
    if (await has(middle)) {
      known = middle;
    } else {
      beyond = middle;
    }
  }
  return known;
}

/** Puts the segments together that were not complete. Returns their bytes. */
async function restoreTails(directory: string, { bucket, gatewayId, from }: { bucket: Bucket; gatewayId: string; from: number }): Promise<number> {
  let restored = 0;
  for (let segment = from; ; segment++) {
    const { offsets, bytes } = await findPieces(bucket, gatewayId, segment);
    if (bytes === 0) {
      return restored;
    }
    const pieces: Uint8Array[] = [];
    for (const offset of offsets) {
      pieces.push(await requireObject(bucket, tailObject(gatewayId, segment, offset)));
    }
    await writeSegment(directory, { gatewayId, segment }, bucket.name, pieces);
    restored += bytes;
  }
}

async function requireObject(bucket: Bucket, name: string): Promise<Uint8Array> {
  const bytes = await bucket.read(name);
  if (bytes === null) {
    throw new GatewayError('storage_unavailable', `${bucket.name}${name} is gone. Try again.`);
  }
  return bytes;
}

async function writeSegment(directory: string, of: SegmentOf, bucketName: string, pieces: readonly Uint8Array[]): Promise<void> {
  const bytes = Buffer.concat(pieces);
  requireSegmentHeader(bytes, of, bucketName);
  await replaceWholeFile(join(directory, segmentName(of.segment)), bytes);
}

async function noteBucket(
  data: string,
  { bucket, gatewayId, settings, segments, left }: { bucket: Bucket; gatewayId: string; settings: BucketSettings; segments: number; left: number },
): Promise<void> {
  const note = await bucket.read(logObject(gatewayId, 'checkpoint'));
  const keptLeaves = note === null ? 0 : parseCheckpoint(parseNote(note).text).size;
  writeBucketRecord(data, { gatewayId, bucket: settings, kept: segments, keptLeaves, dropped: left });
}
