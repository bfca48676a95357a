import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceWholeFile } from '../store/whole-file.ts';

const dayMs = 86_400_000;

/** The cosigned checkpoints of a log: `cosigned`, the newest, and `cosigned.kept/<size>`, the first of each day and those that something relies on. */
export class CosignedFiles {
  readonly #newest: string;
  readonly #kept: string;
  /** The day of the newest that is kept, counted from 1970. */
  #keptDay: number;

  /** `directory` is that of the public files of the log. */
  constructor(directory: string) {
    this.#newest = join(directory, 'cosigned');
    this.#kept = join(directory, 'cosigned.kept');
    this.#keptDay = Math.max(-1, ...keptSizes(this.#kept).map((size) => Math.floor(statSync(join(this.#kept, String(size))).mtimeMs / dayMs)));
  }

  /** Writes the newest. It is on stable storage when this resolves. Only one call may run at a time. */
  async write(note: string, { size, nowMs, keep }: { readonly size: number; readonly nowMs: number; readonly keep: boolean }): Promise<void> {
    await replaceWholeFile(this.#newest, note);
    const day = Math.floor(nowMs / dayMs);
    if (keep || day !== this.#keptDay) {
      await mkdir(this.#kept, { recursive: true, mode: 0o700 });
      await replaceWholeFile(join(this.#kept, String(size)), note);
      this.#keptDay = day;
    }
  }
}

/** Removes what is about records that are lost: the newest, and all that are kept over more records than `size`. */
export function dropCosignedAbove(directory: string, size: number): void {
  const kept = join(directory, 'cosigned.kept');
  rmSync(join(directory, 'cosigned'), { force: true });
  for (const each of keptSizes(kept).filter((one) => one > size)) {
    rmSync(join(kept, String(each)), { force: true });
  }
}

function keptSizes(directory: string): readonly number[] {
  try {
    return readdirSync(directory).flatMap((name) => (/^\d{1,16}$/.test(name) ? [Number(name)] : []));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}
