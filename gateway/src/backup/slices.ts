import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { GatewayError } from '../domain/errors.ts';

/** One read at a time, of at most this many bytes. */
const sliceBytes = 1024 * 1024;

/** Yields the bytes `[from, to)` of a file in slices. The bytes of a slice are valid until the next is asked for. Rejects with GatewayError `store_damaged` if the file is shorter. */
export async function* readSlices(file: string, from: number, to: number): AsyncGenerator<Uint8Array> {
  await using handle = await openPlain(file);
  const slice = Buffer.allocUnsafe(Math.min(sliceBytes, to - from));
  for (let at = from; at < to;) {
    const { bytesRead } = await handle.read(slice, 0, Math.min(slice.length, to - at), at);
    if (bytesRead === 0) {
      throw new GatewayError('store_damaged', `${file} is shorter than ${to} bytes.`);
    }
    yield slice.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Returns the bytes `[from, to)` of a file, which are few. Rejects as `readSlices` does. */
export async function readPart(file: string, from: number, to: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const slice of readSlices(file, from, to)) {
    parts.push(new Uint8Array(slice));
  }
  return Buffer.concat(parts);
}

/** Returns the SHA-256 of the first bytes of a file, in hex. Rejects as `readSlices` does. */
export async function hashFile(file: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const slice of readSlices(file, 0, bytes)) {
    hash.update(slice);
  }
  return hash.digest('hex');
}

export interface Written {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** Writes a file anew, with mode 0600, and syncs it. */
export async function writeSlices(file: string, slices: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Written> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  await using handle = await open(file, flags, 0o600);
  return await put(handle, { slices, at: 0, hash: createHash('sha256') });
}

/**
 * Continues a file behind its first `at` bytes, of which the caller knows that they are right, and syncs it. What else was behind them is lost. The result is
 * of the whole file.
 */
export async function appendSlices(file: string, at: number, slices: AsyncIterable<Uint8Array>): Promise<Written> {
  const hash = createHash('sha256');
  for await (const slice of readSlices(file, 0, at)) {
    hash.update(slice);
  }
  await using handle = await open(file, constants.O_RDWR | constants.O_NOFOLLOW);
  await handle.truncate(at);
  return await put(handle, { slices, at, hash });
}

async function put(
  handle: FileHandle,
  {
    slices,
    at,
    hash,
  }: { readonly slices: AsyncIterable<Uint8Array> | Iterable<Uint8Array>; readonly at: number; readonly hash: ReturnType<typeof createHash> },
): Promise<Written> {
  let bytes = at;
  for await (const slice of slices) {
    hash.update(slice);
    for (let done = 0; done < slice.length;) {
      const { bytesWritten } = await handle.write(slice, done, slice.length - done, bytes + done);
      done += bytesWritten;
    }
    bytes += slice.length;
  }
  await handle.sync();
  return { bytes, sha256: hash.digest('hex') };
}

/** Opens a file for reading that is no link. Rejects with GatewayError `malformed` for anything else that is there. */
export async function openPlain(file: string): Promise<FileHandle> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    throw error instanceof Error && 'code' in error && error.code === 'ELOOP' ? notPlain(file) : error;
  });
  if (!(await handle.stat()).isFile()) {
    await handle.close();
    throw notPlain(file);
  }
  return handle;
}

function notPlain(file: string): GatewayError {
  return new GatewayError('malformed', `${file} is a link or no file: in a backup everything is a plain file. Use another directory.`);
}
