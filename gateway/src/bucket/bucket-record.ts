import { segmentsMax } from './object-names.ts';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { BucketSettings } from '../domain/storage.ts';
import { writeWholeFile } from '../store/whole-file.ts';

/**
 * The facts that a data directory holds about its bucket: how it is reached, that it has the segments up to `kept` with the tiles of the first `keptLeaves` leaves, and
 * that those up to `dropped` are only there. Whoever reads the journal finds with this file what is no longer beside it.
 */
export interface BucketRecord {
  /** 16 hex digits. */
  readonly gatewayId: string;
  readonly bucket: BucketSettings;
  readonly kept: number;
  readonly keptLeaves: number;
  readonly dropped: number;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isGatewayId: Check = (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isSegment: Check = (value) => isCount(value) && Number(value) <= segmentsMax;
const isSecret: Check = (value) => hasExactly(value, { env: isText }) || hasExactly(value, { file: isText });

/** Short commands read this file, so no library is loaded for it. */
function isBucketRecord(value: unknown): value is BucketRecord {
  const isBucket: Check = (bucket) =>
    hasExactly(bucket, {
      bucket: isText,
      region: isText,
      endpoint: orNull(isText),
      prefix: isText,
      caFile: orNull(isText),
      accessKeyId: isSecret,
      secretAccessKey: isSecret,
      sessionToken: orNull(isSecret),
    });
  return hasExactly(value, { gatewayId: isGatewayId, bucket: isBucket, kept: isSegment, keptLeaves: isCount, dropped: isSegment });
}

function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

function hasExactly(value: unknown, members: Readonly<Record<string, Check>>): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const found = new Map<string, unknown>(Object.entries(value));
  return found.size === Object.keys(members).length && Object.entries(members).every(([name, check]) => found.has(name) && check(found.get(name)));
}

/** Returns what the data directory says about its bucket; null: it has none. Throws GatewayError `store_damaged`. */
export function readBucketRecord(data: string): BucketRecord | null {
  const file = fileIn(data);
  if (!existsSync(file)) {
    return null;
  }
  const damaged = (cause?: unknown): GatewayError =>
    new GatewayError('store_damaged', `${file} cannot be read. Without it nobody knows which segments are only in the bucket: restore it from a copy.`, {
      cause,
    });
  // A pipe would be waited for.
  if (!statSync(file).isFile()) {
    throw damaged();
  }
  let record: unknown;
  try {
    record = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw damaged(cause);
  }
  if (!isBucketRecord(record)) {
    throw damaged();
  }
  return record;
}

export function writeBucketRecord(data: string, record: BucketRecord): void {
  writeWholeFile(fileIn(data), `${JSON.stringify(record, null, 2)}\n`);
}

function fileIn(data: string): string {
  return join(data, 'bucket.json');
}
