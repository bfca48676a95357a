import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the files below a directory that hold the canary: unchanged, in UTF-16, in hex, or in base64 at any offset. Throws if there is no file to search. */
export function filesHolding(directory: string, canary: string): string[] {
  return filesWith(directory, (bytes) => holds(bytes, canary));
}

/** Returns the files below a directory whose bytes are such. Throws if there is no file to search. */
export function filesWith(directory: string, isSuch: (bytes: Buffer) => boolean): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) {
    throw new Error(`${directory} holds no files`);
  }
  return files.filter((file) => isSuch(readIfThere(file)));
}

/** True if the bytes hold the canary: unchanged, in UTF-16, in hex, or in base64 at any offset. */
export function holds(bytes: Buffer, canary: string): boolean {
  return disguisesOf(Buffer.from(canary)).some((disguise) => bytes.includes(disguise));
}

/** A process that uses the directory may replace files. A file that is gone holds nothing. */
function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return Buffer.alloc(0);
    }
    throw error;
  }
}

function disguisesOf(plain: Buffer): Buffer[] {
  const hex = plain.toString('hex');
  // The base64 of the same bytes depends on their offset modulo 3, and the characters at both ends also depend on the neighbouring bytes.
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), plain])
      .toString('base64')
      .slice(4, -4),
  );
  return [plain, Buffer.from(plain.toString(), 'utf16le'), Buffer.from(hex), Buffer.from(hex.toUpperCase()), ...base64.map((text) => Buffer.from(text))];
}
