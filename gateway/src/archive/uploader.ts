import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeSegmentHeader,
  encodeUtf8,
  isFrame,
  openKeyRing,
  parseCheckpoint,
  parseNote,
  publishedAt,
  segmentHeaderBytes,
  segmentName,
  SegmentReader,
  tilePath,
  tilesOf,
  tileWidth,
  type Tile,
} from '@countersign/ledger/format';
import type { Bucket, ObjectLock } from '../bucket/bucket.ts';
import type { BucketRecord } from '../bucket/bucket-record.ts';
import { logObject, segmentObject } from '../bucket/object-names.ts';
import { GatewayError } from '../domain/errors.ts';
import type { LockMode } from '../domain/storage.ts';
import { readTile } from '../recording/tile-store.ts';

/** Most tiles that are sent at a time. A segment of small records has some hundreds. */
const tilesMax = 8;

export interface UploaderParts {
  readonly data: string;
  readonly bucket: Bucket;
  /** Object Lock, and for how many days; null: none. */
  readonly lock: { readonly mode: LockMode; readonly days: number } | null;
}

/** Returns the segment in which the published checkpoint ends; 0 if none is published. All segments before it are complete and on stable storage. */
export async function newestSegment(data: string): Promise<number> {
  const note = await readFile(join(data, 'log', 'checkpoint')).catch(() => null);
  return note === null ? 0 : (parseCheckpoint(parseNote(note).text).journal?.segment ?? 0);
}

/**
 * Sends a complete segment to the bucket, then the tiles of the leaves under its last checkpoint, then that checkpoint: what is in the bucket can be verified by
 * itself after each step. Whatever was sent before is found there and not sent again. Resolves with the number of leaves under the checkpoint.
 */
export async function uploadSegment({ data, bucket, lock }: UploaderParts, { gatewayId, keptLeaves }: BucketRecord, segment: number): Promise<number> {
  const bytes = await readFile(join(data, 'journal', segmentName(segment)));
  const { createdMs } = decodeSegmentHeader(bytes.subarray(0, segmentHeaderBytes));
  const lockOfSegment: ObjectLock | null = lock === null ? null : { mode: lock.mode, untilMs: createdMs + lock.days * 86_400_000 };
  await bucket.keep(segmentObject(gatewayId, segment), bytes, lockOfSegment);
  const checkpoint = await lastCheckpoint(bytes);
  if (checkpoint === null) {
    return keptLeaves;
  }
  const log = join(data, 'log');
  const isNew = ({ level, index }: Tile): boolean => (index + 1) * tileWidth ** (level + 1) > keptLeaves;
  await eachOf(tilesOf(checkpoint.size).filter(isNew), async ({ level, index, width }) => {
    const path = tilePath(level, index, width);
    const tile = await readTile(log, path);
    if (tile === null) {
      throw new GatewayError('store_damaged', `The tile log/${path} is missing: the next start of the gateway makes it again.`);
    }
    await bucket.keep(logObject(gatewayId, path), tile, null);
  });
  await sendKeys({ log, bucket }, gatewayId, checkpoint.size);
  await bucket.replace(logObject(gatewayId, 'checkpoint'), checkpoint.note);
  return checkpoint.size;
}

/** Sends the public keys as they were published under a checkpoint of so many records. */
async function sendKeys({ log, bucket }: { readonly log: string; readonly bucket: Bucket }, gatewayId: string, size: number): Promise<void> {
  if (!existsSync(join(log, 'keys'))) {
    await bucket.keep(logObject(gatewayId, 'key'), await readFile(join(log, 'key')), null);
    return;
  }
  const { vkey, keyring } = publishedAt(await openKeyRing(await readFile(join(log, 'keys'))), size);
  if (keyring !== null) {
    await bucket.replace(logObject(gatewayId, 'keys'), encodeUtf8(keyring));
  }
  await bucket.replace(logObject(gatewayId, 'key'), encodeUtf8(`${vkey}\n`));
}

/** Returns the last checkpoint in a segment, and how many leaves it covers; null: there is none. */
async function lastCheckpoint(segment: Uint8Array): Promise<{ readonly note: Uint8Array; readonly size: number } | null> {
  const reader = await SegmentReader.open({ bytes: segment.length, read: (at, length) => Promise.resolve(segment.subarray(at, at + length)) });
  let found: { note: Uint8Array; size: number } | null = null;
  for (;;) {
    const step = reader.next();
    if (step === undefined) {
      await reader.fill();
    } else if (!isFrame(step)) {
      return found;
    } else if (step.header.type === 'checkpoint') {
      found = { note: step.body.slice(), size: step.header.index };
    }
  }
}

async function eachOf<Item>(items: Iterable<Item>, act: (item: Item) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: tilesMax }, async () => {
      for (let next = left.next(); next.done !== true; next = left.next()) {
        await act(next.value);
      }
    }),
  );
}
