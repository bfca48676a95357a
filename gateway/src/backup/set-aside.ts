import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { SetAside } from './secret-file.ts';

/** The directory in a data directory in which copies lie while a backup is made. */
const asideName = 'backing-up';
/** Small files of the data directory: what waits to be sent, and how far the record was followed. */
export const smallNames = ['outbox', 'alerts', 'sinks', 'reconciled', 'approvals.open'];
const smallBytesMax = 256 * 1024 * 1024;
/** A timestamp an hour for ten years, and what witnesses have cosigned. */
const logFilesMax = 120_000;

/** Removes copies that a backup left which was cut short. They hold keys that may have been destroyed since. */
export async function dropSetAside(data: string): Promise<void> {
  await rm(join(data, asideName), { recursive: true, force: true });
}

/** Copies of files of a data directory that change while a gateway runs, so that a backup has them as they were at one moment. */
export class AsideDirectory implements AsyncDisposable {
  readonly #data: string;
  readonly #directory: string;

  private constructor(data: string) {
    this.#data = data;
    this.#directory = join(data, asideName);
  }

  static async make(data: string): Promise<AsideDirectory> {
    await dropSetAside(data);
    const aside = new AsideDirectory(data);
    await mkdir(aside.#directory, { mode: 0o700 });
    return aside;
  }

  /** Returns where the copy of a file is to be written. */
  place(path: string): SetAside {
    return { path, file: join(this.#directory, path) };
  }

  /** Copies the small files that are there. They must not be ahead of the journal, so this comes before its checkpoint. */
  async takeSmall(): Promise<readonly SetAside[]> {
    return this.#take(smallNames.filter((name) => existsSync(join(this.#data, name))));
  }

  /** Copies what is published beside checkpoint and tiles: the key, and what others have signed. */
  async takeLog(): Promise<readonly SetAside[]> {
    const log = join(this.#data, 'log');
    const names = readdirSync(log, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#data, join(entry.parentPath, entry.name)))
      .filter((path) => !path.startsWith('log/tile/') && path !== 'log/checkpoint' && !path.endsWith('.new'));
    if (names.length > logFilesMax) {
      throw new GatewayError('limit_exceeded', `${log} has ${names.length} files besides its tiles: that is no log of a gateway.`);
    }
    return this.#take(names);
  }

  async #take(paths: readonly string[]): Promise<readonly SetAside[]> {
    const taken: SetAside[] = [];
    for (const path of paths) {
      const from = join(this.#data, path);
      if ((await stat(from)).size > smallBytesMax) {
        throw new GatewayError('limit_exceeded', `${from} is longer than ${smallBytesMax} bytes.`);
      }
      const place = this.place(path);
      await mkdir(dirname(place.file), { recursive: true, mode: 0o700 });
      await copyFile(from, place.file);
      taken.push(place);
    }
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
