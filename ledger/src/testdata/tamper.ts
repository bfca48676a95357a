/** The attacks of somebody who can write to a store and does not have its key: frames and entries are changed, and the chain is computed again. */
import { sha } from './store-writer.ts';

export interface LooseSegment {
  readonly path: string;
  /** The 96 bytes before the chain value. */
  readonly header: Buffer;
  /** Frames without their chain values. */
  readonly frames: readonly Buffer[];
}

type Files = ReadonlyMap<string, Buffer>;

function frameLength(bytes: Buffer, at: number): number {
  return 32 + Math.ceil(bytes.readUInt32BE(at + 8) / 8) * 8;
}

/** Offsets in a segment at which a frame begins, and its end. */
export function boundariesOf(bytes: Buffer): number[] {
  const boundaries = [128];
  for (let at = 128; at < bytes.length;) {
    at += frameLength(bytes, at) + 32;
    boundaries.push(at);
  }
  return boundaries;
}

export function segmentsOf(files: Files): LooseSegment[] {
  const paths = [...files.keys()].filter((path) => path.startsWith('journal/')).toSorted();
  return paths.map((path) => {
    const bytes = files.get(path) ?? Buffer.alloc(0);
    const boundaries = boundariesOf(bytes);
    const frames = boundaries.slice(0, -1).map((at) => bytes.subarray(at, at + frameLength(bytes, at)));
    return { path, header: bytes.subarray(0, 96), frames };
  });
}

/** The files with these segments instead, every chain value recomputed. */
export function rechained(files: Files, segments: readonly LooseSegment[]): Map<string, Buffer> {
  const result = new Map([...files].filter(([path]) => !path.startsWith('journal/')));
  let chain: Buffer = Buffer.alloc(32);
  for (const { path, header, frames } of segments) {
    const head = Buffer.from(header);
    chain.copy(head, 64);
    chain = sha(head);
    const parts = [head, chain];
    for (const frame of frames) {
      chain = sha(chain, frame);
      parts.push(frame, chain);
    }
    result.set(path, Buffer.concat(parts));
  }
  return result;
}

/** The entries of a batch frame; undefined for a checkpoint. */
export function entriesOf(frame: Buffer): Buffer[] | undefined {
  if (frame[4] !== 1) {
    return undefined;
  }
  const entries: Buffer[] = [];
  for (let at = 32; entries.length < frame.readUInt32BE(12);) {
    const length = 196 + frame.readUInt32BE(at + 164) + frame.readUInt32BE(at + 180);
    entries.push(frame.subarray(at, at + length));
    at += length;
  }
  return entries;
}

/** The batch with other entries, its counts fitting them. */
export function withEntries(frame: Buffer, entries: readonly Buffer[]): Buffer {
  const header = Buffer.from(frame.subarray(0, 32));
  const body = Buffer.concat(entries);
  header.writeUInt32BE(body.length, 8);
  header.writeUInt32BE(entries.length, 12);
  return Buffer.concat([header, body, Buffer.alloc((8 - (body.length % 8)) % 8)]);
}

/** All ways to drop one, to repeat one and to swap two neighbours. */
export function variantsOf<T>(list: readonly T[]): T[][] {
  const variants: T[][] = [];
  for (const [i, one] of list.entries()) {
    variants.push(list.toSpliced(i, 1), list.toSpliced(i, 0, one));
    const next = list[i + 1];
    if (next !== undefined) {
      variants.push(list.toSpliced(i, 2, next, one));
    }
  }
  return variants;
}
