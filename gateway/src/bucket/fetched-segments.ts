import { mkdir, open, readdir, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentHeaderBytes, segmentName } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { Bucket } from './bucket.ts';
import type { BucketRecord } from './bucket-record.ts';
import { segmentObject } from './object-names.ts';
import { requireSegmentHeader } from './segment-header.ts';

/** Most segments of the bucket that lie in the data directory for who reads them. */
const fetchedMax = 8;

/** The bucket of a data directory, for who reads the journal. */
function openBucket({ bucket }: BucketRecord): Bucket {
  return new Bucket(bucket, { environment: process.env, signal: new AbortController().signal, now: Date.now });
}

/**
 * Opens a segment that only the bucket has: a copy in `fetched/`, where the last few that were asked for lie. Its bytes have the digest that was stated when
 * they were sent; readers check the chain as they do of any other. Null: the bucket has none. Rejects with GatewayError `storage_unavailable`.
 */
export async function openFetchedSegment(data: string, record: BucketRecord, segment: number): Promise<FileHandle | null> {
  const directory = join(data, 'fetched');
  const file = join(directory, segmentName(segment));
  const found = await open(file, 'r').catch(() => null);
  if (found !== null) {
    const now = new Date();
    await utimes(file, now, now).catch(() => undefined);
    return found;
  }
  const bucket = openBucket(record);
  const bytes = await bucket.read(segmentObject(record.gatewayId, segment));
  if (bytes === null) {
    return null;
  }
  requireSegmentHeader(bytes, { gatewayId: record.gatewayId, segment }, bucket.name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  writeWholeFile(file, bytes);
  const handle = await open(file, 'r');
  await dropOldest(directory);
  return handle;
}

/** Returns the log index of the first leaf of a segment that only the bucket has. Rejects with GatewayError `storage_unavailable`. */
export async function firstIndexInBucket(record: BucketRecord, segment: number): Promise<number> {
  const bucket = openBucket(record);
  const header = await bucket.readBeginning(segmentObject(record.gatewayId, segment), segmentHeaderBytes);
  if (header?.length !== segmentHeaderBytes) {
    throw new GatewayError('storage_unavailable', `The bucket does not have segment ${segment} of the journal, which is only there.`);
  }
  return requireSegmentHeader(header, { gatewayId: record.gatewayId, segment }, bucket.name).firstIndex;
}

/** Removes what was not asked for the longest. Who has it open reads on. */
async function dropOldest(directory: string): Promise<void> {
  const files = (await readdir(directory)).map((name) => join(directory, name));
  const aged = await Promise.all(files.map(async (file) => ({ file, usedMs: (await stat(file).catch(() => null))?.mtimeMs ?? 0 })));
  aged.sort((a, b) => b.usedMs - a.usedMs);
  for (const { file } of aged.slice(fetchedMax)) {
    await rm(file, { force: true });
  }
}
