import { readdirSync } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSegmentHeader, parseSegmentName, segmentHeaderBytes, segmentName, type SegmentSource } from '@countersign/ledger/format';
import { readBucketRecord } from '../bucket/bucket-record.ts';

/**
 * Opens a segment of a journal, in the data directory or, if it was dropped there, as a copy from the bucket. Null: there is none. Rejects with GatewayError
 * `storage_unavailable` if it is only in the bucket, and that cannot be read.
 */
export async function openSegment(data: string, segment: number): Promise<FileHandle | null> {
  const handle = await open(join(data, 'journal', segmentName(segment)), 'r').catch(() => null);
  if (handle !== null) {
    return handle;
  }
  const record = readBucketRecord(data);
  if (record === null || segment > record.dropped) {
    return null;
  }
  // Loaded only where there is a bucket.
  const { openFetchedSegment } = await import('../bucket/fetched-segments.ts');
  return openFetchedSegment(data, record, segment);
}

/** Lists the numbers of the segments that are in the data directory or were dropped there, in order. A number that is missing is that of a segment that is lost. */
export async function listSegments(data: string): Promise<number[]> {
  return withDropped(data, await readdir(join(data, 'journal')).catch(() => []));
}

/** Does what `listSegments` does, at once. Throws errors of the system. */
export function listSegmentsSync(data: string): number[] {
  return withDropped(data, readdirSync(join(data, 'journal')));
}

/** `names` are those of the directory. They were read before it is asked what was dropped, because a segment is removed after that is written. */
function withDropped(data: string, names: readonly string[]): number[] {
  const dropped = readBucketRecord(data)?.dropped ?? 0;
  const here = names.flatMap((name) => parseSegmentName(name) ?? []).filter((number) => number > dropped);
  return [...Array.from({ length: dropped }, (_, at) => at + 1), ...here.toSorted((a, b) => a - b)];
}

/** Returns the log index of the first leaf of a segment. */
export async function firstIndexOf(data: string, segment: number): Promise<number> {
  const handle = await open(join(data, 'journal', segmentName(segment)), 'r').catch(() => null);
  const record = handle === null ? readBucketRecord(data) : null;
  if (record !== null) {
    const { firstIndexInBucket } = await import('../bucket/fetched-segments.ts');
    return firstIndexInBucket(record, segment);
  }
  await using opened = handle ?? (await open(join(data, 'journal', segmentName(segment)), 'r'));
  const source = await segmentSource(opened);
  return decodeSegmentHeader(await source.read(0, segmentHeaderBytes)).firstIndex;
}

export async function segmentSource(handle: FileHandle): Promise<SegmentSource> {
  const { size } = await handle.stat();
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  };
  return { bytes: size, read };
}
