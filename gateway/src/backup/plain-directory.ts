import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { isBackupPath } from './manifest.ts';

/** A directory below which every directory is a directory and no link, so that no path in it leads out. */
export class PlainDirectory {
  readonly path: string;
  readonly #known = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /** Returns where a file of this relative path is. Throws GatewayError `malformed` if the path, or a link on the way, leads out. */
  at(path: string): string {
    return this.#find(path, false);
  }

  /** Returns where a file of this relative path is to be made, with its directories. Throws as `at` does. */
  make(path: string): string {
    return this.#find(path, true);
  }

  #find(path: string, make: boolean): string {
    if (!isBackupPath(path)) {
      throw new GatewayError('malformed', `${JSON.stringify(path)} is no path inside of a backup.`);
    }
    const directories = path.split('/').slice(0, -1);
    let at = this.path;
    for (const name of directories) {
      at = join(at, name);
      if (!this.#known.has(at)) {
        if (make) {
          mkdirSync(at, { mode: 0o700, recursive: true });
        }
        this.#require(at);
      }
    }
    return join(this.path, path);
  }

  #require(directory: string): void {
    const found = lstatSync(directory, { throwIfNoEntry: false });
    if (found !== undefined && !found.isDirectory()) {
      throw new GatewayError('malformed', `${directory} is a link or no directory. Use another directory for the backup.`);
    }
    if (found !== undefined) {
      this.#known.add(directory);
    }
  }
}
