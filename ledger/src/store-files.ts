/** The files of a store as the verifier sees them. Paths are relative to the store and use "/". */
import { MalformedError } from './malformed.ts';
import type { SegmentSource } from './segment-reader.ts';

/** A running gateway replaces a small file about once a second. */
const readAttempts = 4;

export interface StoreFiles {
  /** Lists the names in a directory; the names of directories end with "/". Empty if there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
  /** Returns the size of a file in bytes; undefined if there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Reads exactly `length` bytes at `offset`; rejects if they are not there. The caller owns the result. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
}

/** Makes every read error a `MalformedError`. A file that cannot be read is then a finding like others, and does not hide a worse one elsewhere. */
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

/**
 * Reads a whole small file; undefined if there is none. If a running gateway replaces the file meanwhile, it is read again, a few times at most. Rejects with
 * `MalformedError` if it is longer than `bytesMax`.
 */
export async function readWhole(files: StoreFiles, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  for (let attempt = 1; ; attempt++) {
    const bytes = await files.size(path);
    if (bytes === undefined) {
      return undefined;
    }
    if (bytes > bytesMax) {
      throw new MalformedError(`${path} is longer than ${bytesMax} bytes`);
    }
    const reading = files.read(path, 0, bytes);
    const isRead = await reading.then(
      () => true,
      () => false,
    );
    if (attempt === readAttempts || (isRead && (await files.size(path)) === bytes)) {
      return reading;
    }
  }
}

/** Opens the file of a segment. If a running gateway cuts the file to its last frame while it is read, the missing bytes are zeros, as they were before. */
export async function openSegmentFile(files: StoreFiles, path: string): Promise<SegmentSource> {
  const bytes = (await files.size(path)) ?? 0;
  const readPart = async (offset: number, length: number): Promise<Uint8Array> => {
    const available = Math.min(length, ((await files.size(path)) ?? 0) - offset);
    return available <= 0 ? new Uint8Array(0) : files.read(path, offset, available);
  };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    // It is read a second time in case it was cut between asking for its size and reading.
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
