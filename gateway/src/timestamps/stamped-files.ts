import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { noteBytesMax } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { readLimitedFile } from '../store/limited-file.ts';
import { replaceWholeFile } from '../store/whole-file.ts';

/** The stamped checkpoints of a store: `log/timestamps/<size>`. */
export class StampedFiles {
  readonly #directory: string;

  constructor(data: string) {
    this.#directory = join(data, 'log', 'timestamps');
  }

  /** The newest of those over at most so many records; null if there is none. */
  newest(sizeMax = Infinity): { readonly size: number; readonly atMs: number } | null {
    const size = sizesIn(this.#directory).findLast((each) => each <= sizeMax);
    return size === undefined ? null : { size, atMs: statSync(join(this.#directory, String(size))).mtimeMs };
  }

  /** Writes one. It is on stable storage when this resolves. Only one call may run at a time. */
  async write(size: number, note: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await replaceWholeFile(join(this.#directory, String(size)), note);
  }
}

/** Returns the first stamped checkpoint over a record, or the newest of all for null. Rejects with GatewayError `not_found` if there is none, or `store_damaged`. */
export async function findStamped(data: string, index: number | null): Promise<PublishedCheckpoint> {
  const directory = join(data, 'log', 'timestamps');
  const sizes = sizesIn(directory);
  const size = index === null ? sizes.at(-1) : sizes.find((one) => one > index);
  if (size === undefined) {
    throw new GatewayError('not_found', 'No checkpoint over this has a timestamp yet: countersign timestamp status says when one was stamped last.');
  }
  return { size, note: (await readLimitedFile(join(directory, String(size)), noteBytesMax)).toString() };
}

/** Removes what is about records that are lost: all over more records than `size`. */
export function dropStampedAbove(data: string, size: number): void {
  const directory = join(data, 'log', 'timestamps');
  for (const each of sizesIn(directory).filter((one) => one > size)) {
    rmSync(join(directory, String(each)), { force: true });
  }
}

/** The sizes of the checkpoints that are stamped, in order. Files with other names than a size has are none. */
function sizesIn(directory: string): readonly number[] {
  try {
    return readdirSync(directory)
      .flatMap((name) => (/^(?:0|[1-9]\d{0,15})$/.test(name) && Number.isSafeInteger(Number(name)) ? [Number(name)] : []))
      .toSorted((a, b) => a - b);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}
