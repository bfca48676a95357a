import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { anchorFileBytesMax, MalformedError, type ReadLogFile } from '@countersign/ledger';
import { describeFailure } from './failure.ts';

const answerMs = 30_000;

/**
 * Returns what reads the files of an anchor log: of the directory `anchor` of a witness, of a copy of it, or below the address at which a witness serves it. It
 * rejects with `MalformedError` if a file is longer than one of an anchor log may be, and with an Error if it cannot be read.
 */
export function anchorFilesAt(place: string): ReadLogFile {
  return /^https?:\/\//.test(place) ? async (path) => fetchFile(`${place.replace(/\/+$/, '')}/${path}`) : async (path) => readFileOf(join(place, path));
}

async function readFileOf(file: string): Promise<Uint8Array | undefined> {
  try {
    // Without O_NONBLOCK, a pipe in the place of the file would be waited for.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await handle.stat();
    if (!found.isFile()) {
      throw new Error(`${file} is no file: an anchor log has only files and directories`);
    }
    const { size } = found;
    assertShort(file, size);
    const bytes = new Uint8Array(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    return bytes.subarray(0, bytesRead);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}

async function fetchFile(url: string): Promise<Uint8Array | undefined> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(answerMs) }).catch((cause: unknown) => {
    throw new Error(`--anchor ${url}: ${describeFailure(cause)}`, { cause });
  });
  if (answer.status === 404) {
    return undefined;
  }
  if (!answer.ok) {
    throw new Error(`--anchor ${url}: it answered ${answer.status}. A witness serves its anchor log below /anchor.`);
  }
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    bytes += piece.length;
    assertShort(url, bytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function assertShort(what: string, bytes: number): void {
  if (bytes > anchorFileBytesMax) {
    throw new MalformedError(`${what} is longer than a file of an anchor log, which has at most ${anchorFileBytesMax} bytes`);
  }
}
