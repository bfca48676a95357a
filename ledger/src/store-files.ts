/** The files of a store as the verifier sees them; paths are relative to the store and use "/". */
import { MalformedError } from './malformed.ts';
import type { SegmentSource } from './segment-reader.ts';

export interface StoreFiles {
  /** Names in a directory, those of directories with a "/" behind; empty when there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
  /** Bytes of a file, undefined when there is none. */
  size(path: string): Promise<number | undefined>;
  /** Exactly `length` bytes at `offset`; rejects when they are not there. The result is the caller's. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
}

/** Makes each read error a `MalformedError`: a file that cannot be read is a fault of the input, as any other, and hides no worse one that was found elsewhere. */
export function malformedIfUnreadable(files: StoreFiles): StoreFiles {
  const orMalformed = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (cause) {
      throw new MalformedError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  };
  return {
    list: async (directory) => orMalformed(directory, async () => files.list(directory)),
    size: async (path) => orMalformed(path, async () => files.size(path)),
    read: async (path, offset, length) => orMalformed(path, async () => files.read(path, offset, length)),
  };
}

/** A whole small file, undefined when there is none. Throws `MalformedError` above `bytesMax`. */
export async function readWhole(files: StoreFiles, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const bytes = await files.size(path);
  if (bytes === undefined) {
    return undefined;
  }
  if (bytes > bytesMax) {
    throw new MalformedError(`${path} is longer than ${bytesMax} bytes`);
  }
  return files.read(path, 0, bytes);
}

/** A segment's file. One that a running gateway cuts to its last frame while it is read goes on in zeros, as it did before. */
export async function openSegmentFile(files: StoreFiles, path: string): Promise<SegmentSource> {
  const bytes = (await files.size(path)) ?? 0;
  const readPart = async (offset: number, length: number): Promise<Uint8Array> => {
    const available = Math.min(length, ((await files.size(path)) ?? 0) - offset);
    return available <= 0 ? new Uint8Array(0) : files.read(path, offset, available);
  };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    // A second time, if it was cut between asking for its size and reading.
    const part = await readPart(offset, length).catch(() => readPart(offset, length));
    if (part.length === length) {
      return part;
    }
    const padded = new Uint8Array(length);
    padded.set(part);
    return padded;
  };
  return { bytes, read };
}
