import type { StoreFiles } from '@countersign/ledger';
import { parseSegmentName, segmentName } from '@countersign/ledger/format';
import { Bucket } from './bucket.ts';
import type { BucketRecord } from './bucket-record.ts';
import { segmentObject } from './object-names.ts';

/** Most objects whose sizes are asked for at a time. */
const askedMax = 16;
const directory = 'journal/';

/**
 * Adds to the files of a store the segments that only its bucket has. A verifier reads one after the other, each whole, and one of them is in memory at a time.
 * Reading rejects with GatewayError `storage_unavailable`.
 */
export function filesWithBucket(files: StoreFiles, { gatewayId, bucket: settings, dropped }: BucketRecord): StoreFiles {
  const bucket = new Bucket(settings, { environment: process.env, signal: new AbortController().signal, now: Date.now });
  const sizes = new Map<number, Promise<number | undefined>>();
  const asking = Array.from({ length: askedMax }, () => Promise.resolve());
  let read = { segment: 0, bytes: Promise.resolve<Uint8Array | null>(null) };
  const segmentOf = (path: string): number | null => {
    const segment = path.startsWith(directory) ? (parseSegmentName(path.slice(directory.length)) ?? null) : null;
    return segment !== null && segment <= dropped ? segment : null;
  };
  const sizeOf = async (segment: number): Promise<number | undefined> => {
    const turn = segment % askedMax;
    const found = (asking[turn] ?? Promise.resolve()).then(async () => (await bucket.find(segmentObject(gatewayId, segment)))?.bytes);
    asking[turn] = found.then(
      () => undefined,
      () => undefined,
    );
    return found;
  };
  const readWhole = async (segment: number): Promise<Uint8Array> => {
    if (read.segment !== segment) {
      read = { segment, bytes: bucket.read(segmentObject(gatewayId, segment)) };
    }
    const bytes = await read.bytes;
    if (bytes === null) {
      throw new Error('it is not in the bucket');
    }
    return bytes;
  };
  return {
    list: async (path) => {
      const names = await files.list(path);
      const added = path === 'journal' ? Array.from({ length: dropped }, (_, at) => segmentName(at + 1)) : [];
      return [...new Set([...added, ...names])];
    },
    size: async (path) => {
      const here = await files.size(path);
      const segment = here === undefined ? segmentOf(path) : null;
      if (segment === null) {
        return here;
      }
      const known = sizes.get(segment) ?? sizeOf(segment);
      sizes.set(segment, known);
      return known;
    },
    read: async (path, offset, length) => {
      const segment = segmentOf(path);
      if (segment === null || (await files.size(path)) !== undefined) {
        return files.read(path, offset, length);
      }
      const part = (await readWhole(segment)).slice(offset, offset + length);
      if (part.length !== length) {
        throw new Error(`it ends before byte ${offset + length} in the bucket`);
      }
      return part;
    },
  };
}
