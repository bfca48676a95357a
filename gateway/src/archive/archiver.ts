import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeSegmentHeader, parseSegmentName, segmentHeaderBytes, segmentName } from '@countersign/ledger/format';
import type { Bucket } from '../bucket/bucket.ts';
import { readBucketRecord, writeBucketRecord, type BucketRecord } from '../bucket/bucket-record.ts';
import { segmentObject } from '../bucket/object-names.ts';
import { GatewayError } from '../domain/errors.ts';
import type { StorageSettings } from '../domain/storage.ts';
import type { ArchiveState } from './archive-state.ts';
import { removePieces } from './tail-sender.ts';
import { newestSegment, uploadSegment, type UploaderParts } from './uploader.ts';

/** The thread looks this often whether a segment is complete. */
const lookMs = 1000;
/** After a failure it waits, at first so long, then twice as long each time, at most so long. */
const retryMs = 1000;
const retryMsMax = 60_000;
const dayMs = 86_400_000;

export interface ArchiverParts extends UploaderParts {
  readonly settings: StorageSettings;
  readonly gatewayId: string;
  readonly bucket: Bucket;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Returns the number of records that all indexes have. */
  readonly indexed: () => number;
  /** Why the segment that is still written to could not be sent. Null: it could, or nobody waits for that. */
  readonly tailFailure: () => string | null;
  readonly onState: (state: ArchiveState) => void;
}

/** Sends complete segments to the bucket in their order, one at a time, and removes here what the configuration does not keep. What cannot be sent now stays here, and is tried again. */
export class Archiver {
  readonly #parts: ArchiverParts;
  #record: BucketRecord;
  #behindSinceMs: number | null = null;
  #failure: string | null = null;

  constructor(parts: ArchiverParts) {
    this.#parts = parts;
    const { data, settings, gatewayId } = parts;
    const { lock: _lock, keepLocal: _keepLocal, behindMs: _behindMs, ...bucket } = settings;
    const known = readBucketRecord(data);
    const isSame = known !== null && known.bucket.bucket === bucket.bucket && known.bucket.prefix === bucket.prefix;
    if (known !== null && !isSame && known.dropped > 0) {
      throw new GatewayError(
        'config_invalid',
        `storage: segments 1 to ${known.dropped} of this journal are only in s3://${known.bucket.bucket}/${known.bucket.prefix}. Copy its objects to the new bucket, and name that in bucket.json.`,
      );
    }
    this.#record = isSame ? { ...known, bucket } : { gatewayId, bucket, kept: 0, keptLeaves: 0, dropped: 0 };
    writeBucketRecord(data, this.#record);
  }

  /** The bucket has the segments up to this one. */
  get kept(): number {
    return this.#record.kept;
  }

  /** Goes on until the signal is aborted. */
  async run(): Promise<void> {
    const { signal } = this.#parts;
    let waitMs = retryMs;
    while (!signal.aborted) {
      try {
        const isUploaded = await this.#uploadNext();
        this.#failure = null;
        waitMs = retryMs;
        const isDropped = await this.#dropOldest();
        await this.#tell();
        if (!isUploaded && !isDropped) {
          await delay(lookMs, null, { signal });
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.#failure = error instanceof Error ? error.message : String(error);
        await this.#tell().catch(() => undefined);
        await delay(waitMs, null, { signal }).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, retryMsMax);
      }
    }
  }

  async #uploadNext(): Promise<boolean> {
    const next = this.#record.kept + 1;
    if (next >= (await newestSegment(this.#parts.data))) {
      this.#behindSinceMs = null;
      return false;
    }
    this.#behindSinceMs ??= this.#parts.now();
    await this.#tell();
    const keptLeaves = await uploadSegment(this.#parts, this.#record, next);
    this.#note({ ...this.#record, kept: next, keptLeaves });
    await removePieces(this.#parts.bucket, this.#record.gatewayId, next);
    return true;
  }

  /** Removes the oldest segment here if the configuration does not keep it, all indexes have it, and the bucket has the very same bytes. */
  async #dropOldest(): Promise<boolean> {
    const { data, settings, bucket, now, indexed, gatewayId } = this.#parts;
    const { days, bytes } = settings.keepLocal;
    const segment = this.#record.dropped + 1;
    if ((days === null && bytes === null) || segment > this.#record.kept) {
      return false;
    }
    const next = await headerOf(data, segment + 1);
    const isOld = days !== null && next.createdMs + days * dayMs < now();
    const isTooMuch = bytes !== null && (await bytesOf(data)) > bytes;
    if ((!isOld && !isTooMuch) || indexed() < next.firstIndex) {
      return false;
    }
    const file = join(data, 'journal', segmentName(segment));
    await bucket.require(segmentObject(gatewayId, segment), await readFile(file));
    // Whoever misses the file finds here that it is in the bucket, so this is written first.
    this.#note({ ...this.#record, dropped: segment });
    await rm(file, { force: true });
    return true;
  }

  #note(record: BucketRecord): void {
    writeBucketRecord(this.#parts.data, record);
    this.#record = record;
  }

  async #tell(): Promise<void> {
    const { data, bucket, tailFailure, onState } = this.#parts;
    const { kept, dropped } = this.#record;
    const behind = Array.from({ length: Math.max(0, (await newestSegment(data)) - 1 - kept) }, (_, at) => kept + 1 + at);
    const sizes = await Promise.all(behind.map(async (segment) => (await stat(join(data, 'journal', segmentName(segment)))).size));
    onState({
      bucket: bucket.name,
      kept,
      dropped,
      behindSegments: behind.length,
      behindBytes: sizes.reduce((sum, size) => sum + size, 0),
      behindSinceMs: this.#behindSinceMs,
      failure: this.#failure ?? tailFailure(),
    });
  }
}

async function headerOf(data: string, segment: number): Promise<ReturnType<typeof decodeSegmentHeader>> {
  await using handle = await open(join(data, 'journal', segmentName(segment)), 'r');
  const { buffer } = await handle.read(Buffer.alloc(segmentHeaderBytes), 0, segmentHeaderBytes, 0);
  return decodeSegmentHeader(buffer);
}

/** Returns how many bytes the segments here have. */
async function bytesOf(data: string): Promise<number> {
  const directory = join(data, 'journal');
  const names = (await readdir(directory)).filter((name) => parseSegmentName(name) !== undefined);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
